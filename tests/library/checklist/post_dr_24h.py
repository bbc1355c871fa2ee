"""`checklist/post-dr-24h`: every item ticked by its owner."""

from __future__ import annotations

from tests.library.entry import Entry

ENTRY = Entry()
