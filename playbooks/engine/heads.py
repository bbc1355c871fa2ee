"""Whether the timeline holds the heads that somebody wants to carry outside.

Belongs here: that look, for actions (`playbooks.ports.Record`). Does not belong here: anchoring.
"""

from __future__ import annotations

from playbooks import ports
from playbooks.errors import Refused
from storage import anchors
from storage.audit.verify import read_anchor
from storage.db import Database, Tx


class TimelineRecord(ports.Record):
    """The record behind the port. Handed to actions by `bot/app.py`."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def holds(self, heads: tuple[str, ...]) -> None:
        """Refused unless each is an event of the timeline."""
        if wrong := await self._db.read(lambda tx: _strangers(tx, heads)):
            raise Refused(
                f"The timeline holds no {wrong[0]}. Nothing was anchored.", todo="`muster verify` looks at it."
            )


def _strangers(tx: Tx, heads: tuple[str, ...]) -> list[str]:
    said = {key: (digest, head) for head in heads for key, digest in read_anchor(head).items()}
    return [head for (stream, seq), (digest, head) in said.items() if anchors.hash_of(tx, stream, seq) != digest]
