"""The doctor's look at sealed values: is any of them still sealed by an older key, or by none there is?

Belongs here: that finding. Does not belong here: sealing anew (bot/keys.py, storage/resealing.py).
"""

from __future__ import annotations

from bot.finding import Finding, ok
from bot.keys import standing
from storage import resealing
from storage.db import Tx
from storage.sealing import Seal

WHAT = "Sealed values"


def look(tx: Tx, seal: Seal | None) -> list[Finding]:
    """Nothing to say where nothing is sealed."""
    if seal is None:
        count = resealing.count(tx)
        words = f"{count} are in the record, and MUSTER_KEY is not set: nobody's one-time codes can be checked."
        return [Finding(WHAT, "broken", words)] if count else []
    found = resealing.look(tx, seal)
    if not found.count:
        return []
    said = standing(found, seal.keys)
    if found.lost:
        return [Finding(WHAT, "broken", f"{said}. `muster keys` names them.")]
    if found.old:
        return [Finding(WHAT, "warning", f"{said}. Run `muster keys rotate`; that key must stay until then.")]
    return [ok(WHAT, said)]
