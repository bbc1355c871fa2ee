"""`/incident triage`. How alerts come in and what becomes of them: tests/conversations/test_alerts.py."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from commands.fields import parse
from commands.incident.triage import Decide
from playbooks.errors import Refused
from playbooks.policy import load_policy
from tests.conversations.conftest import POLICY

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def said(line: str) -> Decide:
    return parse(Decide, line, policy=load_policy(POLICY), now=NOW)


def test_what_is_typed() -> None:
    assert said("") == Decide()
    assert said("t-7") == said("T-7 show") == Decide(alerts="T-7")
    assert said("T-7 join INC-42") == Decide(alerts="T-7", do="join", to="INC-42")
    assert said("T-7 dismiss known, being fixed") == Decide(alerts="T-7", do="dismiss", reason="known, being fixed")


@pytest.mark.parametrize("line", ["T-7 explode", "something else"])
def test_what_is_not_known_is_refused(line: str) -> None:
    with pytest.raises(Refused):
        said(line)
