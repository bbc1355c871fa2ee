"""What pydantic cannot see in muster.yaml: names nothing defines, words that mean two things, misplaced `${NAME}`.

Belongs here: checks across sections, each giving (place in the file, what is wrong). Does not belong here: the shapes
(policy_sections.py and its siblings), turning a place into a line (reading.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from playbooks.policy_levels import DisasterLevel
from playbooks.policy_sections import ENVIRONMENT, Permissions, Role, Severity
from playbooks.reading import Loc, hint

if TYPE_CHECKING:
    from playbooks.policy import Policy

ADDRESSES = frozenset(
    {"health_url", "canary_url", "resolver", "prometheus", "bridge", "url", "address", "host_key", "host_ca"}
)


def folded(word: str) -> str:
    """How two spellings of a name are compared: "SEV-1", "sev 1" and "sev1" are one."""
    return re.sub(r"[\W_]", "", word.lower())


def misplaced_environment(data: Any, loc: Loc = ()) -> list[tuple[Loc, str]]:
    """`${NAME}` anywhere but in an address would be taken literally: say so."""
    if isinstance(data, dict):
        return [hit for key, value in data.items() for hit in misplaced_environment(value, (*loc, key))]
    if isinstance(data, list):
        return [hit for i, value in enumerate(data) for hit in misplaced_environment(value, (*loc, i))]
    if isinstance(data, str) and ENVIRONMENT.search(data) and (not loc or loc[-1] not in ADDRESSES):
        return [
            (loc, f"{'.'.join(map(str, loc))}: ${{…}} is only replaced in addresses ({', '.join(sorted(ADDRESSES))})")
        ]
    return []


def dangling(policy: Policy) -> list[tuple[Loc, str]]:
    """Names of groups and sites that nothing defines."""
    groups: list[tuple[Loc, tuple[str, ...]]] = [
        (("permissions", name), getattr(policy.permissions, name)) for name in Permissions.model_fields
    ]
    groups.append((("organisation", "security_contacts"), _one(policy.organisation.security_contacts)))
    groups += [(("severities", key, "invite", "groups"), item.invite.groups) for key, item in policy.severities.items()]
    groups += [(("services", key, "owners"), _one(item.owners)) for key, item in policy.services.items()]
    section = policy.approvals
    groups += [(("approvals", "from"), section.from_), (("approvals", "next_group"), section.next_group)]
    groups.append((("approvals", "groups"), tuple(section.groups)))
    groups.append((("approvals", "break_glass", "who"), section.break_glass.who))
    for part, override in (
        ("recoverable", section.recoverable),
        ("irreversible", section.irreversible),
        ("drill", section.drill),
    ):
        if override is not None:
            groups.append((("approvals", part, "from"), override.from_ or ()))
            groups.append((("approvals", part, "groups"), tuple(override.groups)))
    found = [
        (loc, f"{'.'.join(map(str, loc))}: there is no group {name}{hint(name, policy.groups)}")
        for loc, names in groups
        for name in names
        if name != "everyone" and name not in policy.groups
    ]
    others = (_dangling_sites, _dangling_defaults, _dangling_levels, _dangling_alerts)
    return found + [one for look in others for one in look(policy)]


def _dangling_sites(policy: Policy) -> list[tuple[Loc, str]]:
    named: list[tuple[Loc, str]] = []
    for key, service in policy.services.items():
        named += [(("services", key, "site"), service.site)] if service.site else []
        named += [(("services", key, "resources", site), site) for site in service.resources]
    return [
        (loc, f"{'.'.join(map(str, loc))}: there is no site {name}{hint(name, policy.sites)}")
        for loc, name in named
        if name not in policy.sites
    ]


def _dangling_levels(policy: Policy) -> list[tuple[Loc, str]]:
    """Severities and sites that a disaster level names."""
    named: list[tuple[str, str, str, Iterable[str]]] = []
    for key, level in policy.disaster_levels.items():
        named.append((key, "severity", level.severity, policy.severities))
        named += [(key, "site", level.site, policy.sites)] if level.site else []
    return [
        (
            ("disaster_levels", key, what),
            f"disaster_levels.{key}.{what}: there is no {what} {name}{hint(name, known)}",
        )
        for key, what, name, known in named
        if name not in known
    ]


def _dangling_alerts(policy: Policy) -> list[tuple[Loc, str]]:
    """Severities that alerts are given."""
    alerts = policy.alerts
    named: list[tuple[Loc, str]] = [(("alerts", "severities", said), ours) for said, ours in alerts.severities.items()]
    named += [(("alerts", "opens", number, "severity"), rule.severity) for number, rule in enumerate(alerts.opens)]
    return [
        (loc, f"{'.'.join(map(str, loc))}: there is no severity {name}{hint(name, policy.severities)}")
        for loc, name in named
        if name not in policy.severities
    ]


def _dangling_defaults(policy: Policy) -> list[tuple[Loc, str]]:
    """A role's default is a Slack id, a group or first_acknowledger."""
    return [
        (
            ("roles", key, "default"),
            f"roles.{key}.default: {role.default} is no Slack id, group or first_acknowledger"
            f"{hint(role.default, [*policy.groups, 'first_acknowledger'])}",
        )
        for key, role in policy.roles.items()
        if role.default
        and role.default != "first_acknowledger"
        and role.default not in policy.groups
        and not re.fullmatch(r"[UW][A-Z0-9]+", role.default)
    ]


def ambiguous(policy: Policy) -> list[tuple[Loc, str]]:
    """Two severities, roles or disaster levels that answer to the same word."""
    found: list[tuple[Loc, str]] = []
    sections: tuple[tuple[str, Mapping[str, Severity] | Mapping[str, Role] | Mapping[str, DisasterLevel]], ...] = (
        ("severities", policy.severities),
        ("roles", policy.roles),
        ("disaster_levels", policy.disaster_levels),
    )
    for section, items in sections:
        owner: dict[str, str] = {}
        for key, item in items.items():
            for word in {folded(key), *map(folded, item.aliases)}:
                if owner.setdefault(word, key) != key:
                    found.append(((section, key, "aliases"), f"{section}.{key}: {word} already means {owner[word]}"))
    return found


def _one(name: str | None) -> tuple[str, ...]:
    return (name,) if name else ()
