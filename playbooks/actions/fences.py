"""Split brain: what must be known of the old primary before another one is made. Declares no action.

Belongs here: the words and the rule, the same for every kind of database: an old primary that could accept writes is
fenced first; where nobody can look at it, two people's word stands in the effect that is approved. Does not belong
here: looking.
"""

from __future__ import annotations

from dataclasses import dataclass

from playbooks.errors import Refused

FENCE = "Fence it first: stop it, cut its network, or switch it to read-only (postgres.read_only_on)."
ASK = "Ask two people (human.confirm) whether it can still accept writes, and hand over their word."


@dataclass(frozen=True)
class Fence:
    """What is known of the old primary. said: for the effect, stable; level: the new one has all that it has."""

    said: str
    level: bool = False
    warnings: tuple[str, ...] = ()


def on_word(word: str, seen: str) -> Fence:
    """Nobody could look. Refused without people's word that it cannot accept writes."""
    if not word.strip():
        raise Refused(f"The old primary {seen}: whether it accepts writes is not known. Nothing was done.", todo=ASK)
    return Fence(f"the old primary {seen}; on the word “{' '.join(word.split())}”",
                 warnings=("If the old primary comes back and accepts writes, there are two histories.",))  # fmt: skip


def alive(where: object, why: str) -> Refused:
    """It may accept writes."""
    return Refused(f"The old primary at {where} {why}. Nothing was done.", todo=FENCE)
