"""`assess/deploys`: what was deployed is seen, and nothing is changed."""

from __future__ import annotations

from tests.library.entry import Entry
from tests.library.prepared import healthy

ENTRY = Entry(inputs={"service": "checkout"}, prepare=healthy)
