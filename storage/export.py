"""Exports: a stream as a file that verifies offline.

Belongs here: JSON Lines. Does not belong here: other formats and packs (they come with audit), checking (verify.py).
"""

from __future__ import annotations

import json
from typing import TextIO

from storage.db import Tx
from storage.timeline import raw


def write_jsonl(tx: Tx, stream: str, file: TextIO) -> int:
    """One event a line, as hashed, with its hash and kept texts; returns how many. `muster verify FILE` checks it."""
    count = 0
    for row in raw(tx, stream):
        file.write(json.dumps(row, ensure_ascii=False, sort_keys=True) + "\n")
        count += 1
    return count
