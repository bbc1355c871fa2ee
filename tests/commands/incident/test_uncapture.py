"""`/incident uncapture`, as it is typed. What it does: tests/conversations/test_captured.py."""

from __future__ import annotations

import pytest

from commands.fields import parse
from commands.incident.uncapture import Uncapture
from playbooks.errors import Refused
from playbooks.policy import load_policy
from tests.commands.incident.test_capture import LINKS, NO_LINKS, NOW, PLACE
from tests.conversations.conftest import POLICY


def test_a_message_is_named_as_for_capture() -> None:
    policy = load_policy(POLICY)
    for link in LINKS:
        named = parse(Uncapture, f"INC-4 {link} how=pin", policy=policy, now=NOW)
        assert (named.message, named.incident, named.how) == (PLACE, "INC-4", "pin")
    for line in NO_LINKS:
        with pytest.raises(Refused):
            parse(Uncapture, line, policy=policy, now=NOW)
