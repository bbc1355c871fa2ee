"""`cache/check`."""

from __future__ import annotations

from tests.library.entry import Entry

ENTRY = Entry(inputs={"service": "checkout"})
