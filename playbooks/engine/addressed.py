"""The names by which steps ask people, held against the policy before anything starts.

Belongs here: which names of a playbook mean nobody. Does not belong here: who a name means now (asked.py), reading them
from a step's words (playbooks/audience.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from playbooks.action import find
from playbooks.audience import named
from playbooks.engine.model import Playbook
from playbooks.errors import Refused
from playbooks.policy import Policy
from playbooks.reading import hint
from storage.people import EVERYONE

ANYONE = "anyone"
COMMANDER = "commander"  # whoever leads an incident, also where the policy describes no roles


def unknown(policy: Policy, uses: str, values: Mapping[str, Any]) -> list[str]:
    """What is wrong with whom a step names, one line each; references are not looked at."""
    action = find(uses)
    found = named(action, values) if action is not None else ()
    return [
        f"{'.'.join(map(str, loc))}: {name} is neither a role nor a group of the policy{hint(name, _spoken(policy))}"
        for loc, name in found
        if "${{" not in name and not known(policy, name)
    ]


def known(policy: Policy, name: str) -> bool:
    """Whether a name means anybody: a role by name or alias, a group, or everybody."""
    if name in ("", ANYONE, EVERYONE, COMMANDER) or name in policy.groups:
        return True
    try:
        policy.role(name)
    except Refused:
        return False
    return True


def check_addressed(policy: Policy, playbook: Playbook) -> None:
    """Refused when a step of the playbook asks somebody the policy does not know; nothing was started then."""
    wrong = [f"step {step.id}: {what}" for step in playbook.steps for what in unknown(policy, step.uses, step.with_)]
    if wrong:
        raise Refused(
            f"**{playbook.name}** asks people the policy does not know, so it was not started.\n" + "\n".join(wrong),
            todo="Name the role or group in the policy, or another one in the playbook.",
        )


def _spoken(policy: Policy) -> list[str]:
    return [ANYONE, COMMANDER, *policy.roles, *policy.groups]
