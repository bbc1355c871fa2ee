"""Lines of text become commands and lines again; what is wrong is named with the nearest right word and a line to try."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commands.command import Command
from commands.fields import Arg, fields_of, line_of, parse, usage
from playbooks.errors import Refused
from playbooks.policy import Policy

NOW = datetime(2026, 11, 22, 14, 30, tzinfo=UTC)
POLICY = Policy.model_validate(
    {
        "severities": {
            "sev1": {"title": "outage, data loss, breach", "aliases": ["critical", "SEV-1", "1"]},
            "sev2": {"title": "degraded"},
        },
        "roles": {"commander": {"title": "Incident commander", "aliases": ["ic"]}},
        "services": {"checkout": {"tier": 1, "rto": "15m", "rpo": "5m"}},
    }
)


class Declare(Command):
    """Declares."""

    severity: Annotated[str, Arg("severity", "how bad it is")]
    title: Annotated[str, Arg("line", "what is wrong")]
    service: Annotated[str, Arg("service", keyed=True)] = ""
    type: Annotated[str, Arg("choice", keyed=True, choices=("normal", "security"))] = "normal"


class Note(Command):
    """Notes."""

    incident: Annotated[str, Arg("incident")] = ""
    at: Annotated[datetime | None, Arg("time", keyed=True, lead="at")] = None
    text: Annotated[str, Arg("rest", "what happened")]


class Deny(Command):
    """Denies."""

    run: Annotated[str, Arg("run")] = ""
    digest: Annotated[str, Arg("digest")] = ""
    reason: Annotated[str, Arg("rest")] = ""


class Give(Command):
    """Gives."""

    role: Annotated[str, Arg("role")]
    person: Annotated[str, Arg("person", "a mention such as @ben")]


class Start(Command):
    """Starts."""

    name: Annotated[str, Arg("word")]
    inputs: Annotated[dict[str, str], Arg("inputs")] = {}


Declare.words, Declare.examples = "incident declare", ("incident declare sev1 checkout is down",)
Note.words, Note.examples = "incident note", ("incident note restarted the proxy",)
Deny.words, Give.words, Start.words = "playbook deny", "incident role", "playbook run"


def declare(text: str) -> Declare:
    return parse(Declare, text, policy=POLICY, now=NOW)


def note(text: str) -> Note:
    return parse(Note, text, policy=POLICY, now=NOW)


@pytest.mark.parametrize("first", ["sev1", "SEV-1", "critical", "Sev 1", "sev1\u00a0"])
def test_severities_have_many_names(first: str) -> None:
    assert declare(f"{first} checkout is down").model_dump() == {
        "severity": "sev1", "title": "checkout is down", "service": "", "type": "normal",
    }  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "sev1 checkout is down service=checkout",
        "sev1 service=checkout checkout is down",
        "service=checkout sev1 “checkout is down”",
        "sev1 checkout service=checkout is\u00a0down",
        'severity=sev1 title="checkout is down" service="checkout"',
    ],
)
def test_keys_may_stand_anywhere(text: str) -> None:
    found = declare(text)
    assert (found.title, found.service) == ("checkout is down", "checkout")


@pytest.mark.parametrize(
    ("typed", "title"),
    [
        ("<https://shop.example.com/|shop.example.com> answers 503", "https://shop.example.com/ answers 503"),
        ("R&amp;D &lt;beta&gt; is down", "R&D <beta> is down"),
        ("&amp;lt;b&amp;gt;", "&lt;b&gt;"),
        ("ask <@U0BEN|ben> in <#C1|ops>, <!channel>", "ask @ben in #ops, @channel"),
        ('5" disk is full', '5" disk is full'),
        ("it's “really” down", "it's “really” down"),
        ('say "a" and "b"', 'say "a" and "b"'),
        ("DB_HOST=x is wrong", "DB_HOST=x is wrong"),
        ("чекаут 💥 не работает", "чекаут 💥 не работает"),
        ("!!!", "!!!"),
        ("two\nlines\x00", "two lines"),
        ("<mailto:a@b.se|a@b.se> bounces", "a@b.se bounces"),
    ],
)
def test_titles_arrive_as_people_meant_them(typed: str, title: str) -> None:
    assert declare(f"sev1 {typed}").title == title


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sev9 x", ["no severity", "sev9", "sev1 (outage", "Try `/incident declare sev1"]),
        ("", ["severity", "one of: sev1, sev2", "title", "what is wrong", "Try `/incident declare sev1"]),
        ("sev1", ["It needs *title*"]),
        ("sev1 x service=chekout", ["no service", "checkout"]),
        ("sev1 x sevice=checkout", ["sevice=", "Did you mean *service=*"]),
        ("sev1 x type=securty", ["securty", "Did you mean *security*"]),
        ("sev1 x service=checkout service=checkout", ["given twice"]),
    ],
)
def test_what_is_wrong_is_named_with_the_right_word(text: str, words: list[str]) -> None:
    with pytest.raises(Refused) as caught:
        declare(text)
    assert all(word in str(caught.value) for word in words), str(caught.value)


@pytest.mark.parametrize(
    ("text", "at", "kept"),
    [
        ("at 14:05 restarted", "14:05", "restarted"),
        ("restarted at 14:05", "14:05", "restarted"),
        ("at=14:05 restarted", "14:05", "restarted"),
        ("restarted at=2026-11-22T14:05Z", "14:05", "restarted"),
        ("next call is at 15:00", "", "next call is at 15:00"),
        ("looked at 3 hosts", "", "looked at 3 hosts"),
        ('"restarted at 14:05"', "", "restarted at 14:05"),
    ],
)
def test_notes_may_be_back_dated(text: str, at: str, kept: str) -> None:
    found = note(text)
    assert (f"{found.at:%H:%M}" if found.at else "", found.text) == (at, kept)


def test_a_clock_time_is_the_last_one() -> None:
    assert note("at 23:50 it began").at == datetime(2026, 11, 21, 23, 50, tzinfo=UTC)
    with pytest.raises(Refused, match="not a time"):
        note("at=25:00 x")


def test_an_incident_may_stand_first_and_quotes_keep_it_text() -> None:
    assert (note("inc-42 hello").incident, note("INC-42 hello").text) == ("INC-42", "hello")
    assert (note('"INC-41 is the same"').incident, note('"INC-41 is the same"').text) == ("", "INC-41 is the same")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ("", "", "")),
        ("INC-42/2 9f2c44aabb00 too risky", ("INC-42/2", "9f2c44aabb00", "too risky")),
        ("inc-42/2 wrong zone", ("INC-42/2", "", "wrong zone")),
        ("/2", ("/2", "", "")),
        ("too risky", ("", "", "too risky")),
    ],
)
def test_runs_and_digests_may_be_left_out(text: str, expected: tuple[str, str, str]) -> None:
    found = parse(Deny, text, policy=POLICY, now=NOW)
    assert (found.run, found.digest, found.reason) == expected


def test_people_are_mentions() -> None:
    assert parse(Give, "ic <@U0BEN|ben n>", policy=POLICY, now=NOW).model_dump() == {
        "role": "commander", "person": "U0BEN",
    }  # fmt: skip
    assert parse(Give, "commander me", policy=POLICY, now=NOW).person == "me"
    with pytest.raises(Refused, match="cannot tell who"):
        parse(Give, "commander ben", policy=POLICY, now=NOW)


def test_inputs_take_every_key_and_nothing_else() -> None:
    found = parse(Start, "failover/rds service=checkout note=“two words” who=<@U0BEN|ben>", policy=POLICY, now=NOW)
    assert found.inputs == {"service": "checkout", "note": "two words", "who": "<@U0BEN|ben>"}
    with pytest.raises(Refused, match="do not know what to do with \\*checkout\\*"):
        parse(Start, "failover/rds checkout", policy=POLICY, now=NOW)


def test_forms_are_taken_as_they_are() -> None:
    found = parse(Declare, "", policy=POLICY, now=NOW, values={"severity": "sev2", "title": "a=b &amp; c", "x": "y"})
    assert (found.severity, found.title) == ("sev2", "a=b &amp; c")


def test_usage_says_what_is_needed() -> None:
    assert usage(Declare) == "/incident declare <severity> <title…> [service=…] [type=…]"
    assert [field.name for field in fields_of(Note)] == ["incident", "at", "text"]


@given(text=st.text(max_size=300))
def test_any_text_round_trips_as_a_note(text: str) -> None:
    try:
        first = note(text)
    except Refused:
        return
    again = parse(Note, line_of(first).removeprefix("incident note"), policy=POLICY, now=NOW)
    assert again == first


@given(title=st.text(min_size=1, max_size=300), service=st.sampled_from(["", "checkout"]))
def test_any_title_of_a_form_round_trips(title: str, service: str) -> None:
    try:
        values = {"severity": "sev1", "title": title, "service": service}
        first = parse(Declare, "", policy=POLICY, now=NOW, values=values)
    except Refused as error:
        assert "title" in error.message
        return
    assert parse(Declare, line_of(first).removeprefix("incident declare"), policy=POLICY, now=NOW) == first


@given(text=st.text(alphabet='"\\“”«»<>&=| \na@!#U0', max_size=60))
def test_quotes_and_escapes_in_any_mixture_round_trip(text: str) -> None:
    try:
        first = note("x" + text)
    except Refused:
        return
    assert parse(Note, line_of(first).removeprefix("incident note"), policy=POLICY, now=NOW) == first
