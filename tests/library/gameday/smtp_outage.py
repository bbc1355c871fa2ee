"""`gameday/smtp-outage`: it failed once at staging, and fails no more."""

from __future__ import annotations

from tests.library.entry import Entry
from tests.library.prepared import game_day

ENTRY = Entry(
    inputs={"service": "checkout"}, kind="drill", site="sandbox", check=game_day("smtp_outage"),
    answers={"noticed": ("they did", "the on-call saw the panel turn red")},
)  # fmt: skip
