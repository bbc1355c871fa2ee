"""What a person typed: read by type, and what is missing or unknown comes with a line that works."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playbooks.engine.inputs import read_input, typed_inputs
from playbooks.engine.model import Input, Playbook
from playbooks.errors import Refused
from playbooks.policy import parse_policy

POLICY = parse_policy(
    """
organisation: {time_zone: Europe/Stockholm}
severities: {sev1: {title: outage}}
services:
  checkout: {tier: 1, rto: 15m, rpo: 5m}
  auth: {tier: 1, rto: 15m, rpo: 5m}
  booking: {tier: 2, rto: 30m, rpo: 5m}
sites: {primary: {}}
"""
)
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def playbook(*inputs: Input) -> Playbook:
    return Playbook("failover/rds-multi-az", "x", "", inputs, {}, (), None, None, "", "", "")


def one(kind: Any, value: Any, **more: Any) -> Any:
    return typed_inputs(playbook(Input("x", kind, **more)), {"x": value}, POLICY, NOW)["x"]


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("service", "Checkout", "checkout"),
        ("site", "primary", "primary"),
        ("string", " a b ", "a b"),
        ("text", "a\nb", "a\nb"),
        ("integer", "-7", -7),
        ("integer", 7, 7),
        ("boolean", "YES", True),
        ("boolean", "off", False),
        ("boolean", True, True),
        ("duration", "90m", "1h30m"),
        ("person", "<@U0BEN|ben>", "U0BEN"),
        ("person", "<@U0BEN>", "U0BEN"),
        ("person", "@U0BEN", "U0BEN"),
        ("list", "a, b,,c", ["a", "b", "c"]),
        ("list", ["a"], ["a"]),
        ("time", "12:30", "2026-11-22T11:30:00+00:00"),
        ("time", "13:30", "2026-11-21T12:30:00+00:00"),
        ("time", "2026-11-22T10:00Z", "2026-11-22T10:00:00+00:00"),
        ("time", "2026-11-22T10:00", "2026-11-22T09:00:00+00:00"),
    ],
)
def test_types(kind: str, text: Any, value: Any) -> None:
    assert one(kind, text) == value
    assert type(one(kind, text)) is type(value)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("service", "chekout"),
        ("site", "x"),
        ("string", "a\nb"),
        ("string", "a" * 501),
        ("integer", "7.5"),
        ("integer", "٣"),
        ("integer", True),
        ("boolean", "maybe"),
        ("duration", "15"),
        ("person", "ben"),
        ("time", "25:00"),
        ("time", "noon"),
        ("list", [1]),
        ("string", 5),
    ],
)
def test_what_does_not_fit(kind: str, text: Any) -> None:
    with pytest.raises(Refused, match="Try `/playbook run failover/rds-multi-az"):
        one(kind, text)


def test_missing_is_said_with_what_there_is() -> None:
    with pytest.raises(Refused) as caught:
        typed_inputs(playbook(Input("service", "service")), {}, POLICY)
    assert str(caught.value) == (
        "It needs **service** (one of: checkout, auth, booking). "
        "Try `/playbook run failover/rds-multi-az service=checkout`"
    )


def test_what_was_right_stays_in_the_example() -> None:
    inputs = (
        Input("service", "service"),
        Input("why", "text", "the reason"),
        Input("n", "integer", required=False, default=3),
    )
    with pytest.raises(Refused) as caught:
        typed_inputs(playbook(*inputs), {"service": "auth", "wy": "x"}, POLICY)
    message = str(caught.value)
    assert "It needs **why** (the reason)." in message
    assert "has no input **wy**. Did you mean **why**?" in message
    assert message.endswith('Try `/playbook run failover/rds-multi-az service=auth why="what you want to say"`')


def test_defaults_and_absent_ones() -> None:
    inputs = (Input("n", "integer", required=False, default=3), Input("note", "text", required=False))
    assert typed_inputs(playbook(*inputs), {}, POLICY) == {"n": 3, "note": None}
    assert typed_inputs(playbook(*inputs), {"n": "0", "note": ""}, POLICY) == {"n": 0, "note": None}


def test_a_choice_is_near_or_not() -> None:
    assert one("choice", "LOUD", choices=("loud", "quiet")) == "loud"
    with pytest.raises(Refused, match="did you mean quiet"):
        one("choice", "quite", choices=("loud", "quiet"))


@given(
    st.sampled_from(["service", "site", "string", "text", "integer", "boolean", "duration", "time", "person", "list"]),
    st.text(min_size=1),
)
def test_any_text_is_read_or_refused(kind: Any, text: str) -> None:
    try:
        read_input(Input("x", kind), text, POLICY, NOW)
    except (ValueError, Refused) as error:
        assert str(error)
