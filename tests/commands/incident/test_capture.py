"""`/incident capture`, as it is typed. What it does: tests/conversations/test_captured.py."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from commands.fields import parse
from commands.incident.capture import Capture
from playbooks.errors import Refused
from playbooks.policy import load_policy
from tests.conversations.conftest import POLICY

NOW = datetime(2026, 11, 22, tzinfo=UTC)
PLACE = "C0123456789/1763820125.000100"


LINKS = (
    "https://example.slack.com/archives/C0123456789/p1763820125000100",
    "<https://example.slack.com/archives/C0123456789/p1763820125000100>",
    "https://example.slack.com/archives/C0123456789/p1763820125000100?thread_ts=1763820100.000100&cid=C0123456789",
    PLACE,
)
NO_LINKS = ("", "x", "https://example.com/archives", "C1/12")


@pytest.mark.parametrize("link", LINKS)
def test_a_message_is_named_by_its_link(link: str) -> None:
    policy = load_policy(POLICY)
    assert parse(Capture, link, policy=policy, now=NOW).message == PLACE
    named = parse(Capture, f"INC-4 {link} how=pin", policy=policy, now=NOW)
    assert (named.message, named.incident, named.how) == (PLACE, "INC-4", "pin")


@pytest.mark.parametrize("line", NO_LINKS)
def test_anything_else_is_refused(line: str) -> None:
    with pytest.raises(Refused):
        parse(Capture, line, policy=load_policy(POLICY), now=NOW)
