"""The doctor's look at the journal: is there something to import, does its chain hold, could it be written now.

Belongs here: that one finding. Does not belong here: the journal itself (storage/journal.py), importing (importing.py).
"""

from __future__ import annotations

import os
from pathlib import Path

from bot.finding import Finding, ok
from storage.journal import Journal


def look(path: Path) -> Finding:
    """What waits in the journal file, if anything."""
    try:
        declares = Journal(path, "doctor", "doctor").declares()
    except (OSError, ValueError) as error:
        return Finding("Journal", "broken", f"{path} cannot be read: {type(error).__name__}. Check MUSTER_JOURNAL.")
    waiting = [one for one in declares if not one.imported]
    bent = [one for one in declares if not one.intact]
    if bent:
        return Finding(
            "Journal", "broken",
            f"{path}: its chain does not hold; {len(bent)} of its declares are or will be imported as not intact. "
            "Keep the file and find out who changed it.",
        )  # fmt: skip
    if waiting:
        since = waiting[0].lines[0].at
        many = "1 blind declare waits" if len(waiting) == 1 else f"{len(waiting)} blind declares wait"
        return Finding(
            "Journal", "warning",
            f"{path}: {many} for import since {since}. A Muster that runs with this MUSTER_JOURNAL brings what waits "
            "as soon as the database answers.",
        )  # fmt: skip
    if not _writable(path):
        return Finding("Journal", "broken", f"{path} cannot be written: without it nobody is paged in an outage.")
    return ok("Journal", f"{path}: nothing waits for import")


def _writable(path: Path) -> bool:
    there = path if path.exists() else next((one for one in path.absolute().parents if one.exists()), Path("/"))
    return os.access(there, os.W_OK)
