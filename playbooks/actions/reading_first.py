"""Words for people outside that somebody else reads first, where policy says `second_person`. Shared; declares none.

Belongs here: when a step asks for that, and its question. Does not belong here: publishing (mail/, statuspage/), who
may answer (playbooks/engine/asked.py), words of `/incident tell`, `update` and `publish`: a second person released
those on their card before their run began (commands/incident/publish.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from playbooks.action import Answer, Park, Question, World
from playbooks.errors import Refused

YES, NO = "publish", "no"
DUE_S = 900.0


def on_the_page(world: World) -> bool:
    """Whether policy wants it for the status page at the incident's severity."""
    severity: Mapping[str, Any] = world.scope.get("severity") or {}
    return bool((severity.get("status_page") or {}).get("second_person"))


def wanted(world: World, rule: bool) -> bool:
    """Whether this step waits for somebody else: policy says so, and a person asked for this run as a playbook."""
    return rule and bool((world.scope.get("run") or {}).get("by_hand"))


def note(rule: bool) -> tuple[str, ...]:
    """What a plan says of it."""
    return ("Somebody else than who asks reads the words first (policy `second_person`).",) if rule else ()


def ask(where: str, words: str) -> Park:
    """The question. where: who would read them ("customers by mail")."""
    return Park(
        question=Question(
            text=f"May these words go to {where}? They cannot be unsaid.", who="anyone", choices=(YES, NO),
            stops=(NO,), another=True, shown=words, due_in_s=DUE_S,
        )
    )  # fmt: skip


def released(answer: Answer | None) -> bool:
    """Whether somebody let them go; False: nobody said anything yet. Raises Refused after a no."""
    if answer is not None and answer.choice == NO:
        why = f": {answer.text}" if answer.text else ""
        raise Refused(f"A second person said no to these words{why}. Nothing was published.",
                      todo="Ask again with other words.")  # fmt: skip
    return answer is not None and answer.choice == YES
