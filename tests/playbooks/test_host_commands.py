"""Arguments, quoting, judging, masking: pure functions."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playbooks.errors import Refused
from playbooks.host_commands import HEAD, MASK, TAIL, argv_of, bounded, filled, judge, line_of, masked, passed_on, shown
from playbooks.policy_hosts import Argument, Command, Expects, _Follow


def command(**changes: Any) -> Command:
    made: dict[str, Any] = {"name": "c", "title": "t", "hosts": ["h"], "argv": ["p", "{a}"], "risk": "read",
                            "arguments": {"a": {"type": "identifier"}}}  # fmt: skip
    return Command(**{**made, **changes})


GOOD: list[tuple[dict[str, Any], Any, str]] = [
    ({"type": "choice", "choices": ["80", "443"]}, 443, "443"),
    ({"type": "integer", "least": 1, "most": 10}, "007", "7"),
    ({"type": "path", "below": "/backups"}, "/backups/a//b.sql.gz", "/backups/a/b.sql.gz"),
    ({"type": "identifier"}, "INC-42", "INC-42"),
    ({"type": "name", "pattern": "v[0-9.]+"}, "v1.2", "v1.2"),
    ({"type": "time"}, "2026-11-20T02:00:00+02:00", "2026-11-20T00:00:00Z"),
    ({"type": "time"}, "2026-11-20 02:00", "2026-11-20T02:00:00Z"),
]
BAD: list[tuple[dict[str, Any], Any]] = [
    ({"type": "choice", "choices": ["80"]}, "81"),
    ({"type": "integer", "most": 10}, 11),
    ({"type": "integer"}, "1e3"),
    ({"type": "path", "below": "/backups"}, "/backups/../etc/shadow"),
    ({"type": "path", "below": "/backups"}, "/backups"),
    ({"type": "path", "below": "/backups"}, "/backupsx/a"),
    ({"type": "path", "below": "/backups"}, "/backups/a b"),
    ({"type": "identifier"}, "-rf"),
    ({"type": "identifier"}, "a;b"),
    ({"type": "identifier"}, "ä"),
    ({"type": "name", "pattern": ".*"}, "--output=/etc/passwd"),
    ({"type": "name", "pattern": ".*"}, "two\nlines"),
    ({"type": "name", "pattern": "v[0-9]+"}, "v1; id"),
    ({"type": "time"}, "yesterday"),
    ({"type": "identifier"}, ""),
]


@pytest.mark.parametrize(("argument", "value", "text"), GOOD)
def test_values_that_fit(argument: dict[str, Any], value: Any, text: str) -> None:
    assert Argument(**argument).text(value) == text


@pytest.mark.parametrize(("argument", "value"), BAD)
def test_values_that_do_not(argument: dict[str, Any], value: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        Argument(**argument).text(value)


@given(st.text(min_size=1, max_size=60))
def test_whatever_is_accepted_stays_one_word(value: str) -> None:
    one = command(arguments={"a": {"type": "name", "pattern": r"[\s\S]+"}}, argv=["p", "--x={a}", "{a}"], cwd="/o p")
    try:
        values = filled(one, {"a": value})
    except Refused:
        return
    line = line_of(argv_of(one, values, "k"), one.cwd)
    assert shlex.split(line) == ["cd", "/o p", "&&", "p", f"--x={values['a']}", values["a"]]
    assert not values["a"].startswith("-")


def test_arguments_are_filled_and_refused_in_words() -> None:
    one = command(arguments={"a": {"type": "identifier"}, "n": {"type": "integer", "default": "5"}},
                  argv=["p", "{a}", "{n}", "{key}"])  # fmt: skip
    assert filled(one, {"a": "x"}) == {"a": "x", "n": "5"}
    assert shown(one, {"a": "x", "n": "5"}) == "p x 5 '{key}'"
    assert argv_of(one, {"a": "{n}", "n": "5"}, "k1") == ["p", "{n}", "5", "k1"]  # what is put in is not read again
    for given_, words in [
        ({}, "needs a"),
        ({"a": True}, "needs a"),
        ({"a": "x", "b": "y"}, "takes no b"),
        ({"a": "a b"}, "cannot take"),
    ]:
        with pytest.raises(Refused, match=words):
            filled(one, given_)
    to = command(
        arguments={"container": {"type": "identifier"}, "a": {"type": "identifier"}}, argv=["q", "{container}", "{a}"]
    )
    follow = _Follow(command="q", **{"with": {"container": "shop_{a}"}})
    assert passed_on(follow, {"a": "redis", "n": "5"}, to) == {"a": "redis", "container": "shop_redis"}


NOW = datetime(2026, 11, 20, 14, 0, tzinfo=UTC)
JUDGED: list[tuple[dict[str, Any], int, str, str]] = [
    ({}, 0, "", ""),
    ({}, 1, "", "it ended with 1"),
    ({"exit": [1]}, 1, "", ""),
    ({"pattern": r"(?P<used>\d+)%", "most": {"used": 90}}, 0, "df\n 61% /", ""),
    ({"pattern": r"(?P<used>\d+)%", "most": {"used": 90}}, 0, "99%", "used is 99, more than 90"),
    ({"pattern": r"(?P<used>\S+)%", "most": {"used": 90}}, 0, "x%", 'used is "x", which is no number'),
    ({"pattern": "ok"}, 0, "no", "its output has no ok"),
    ({"says": {"Health.Status": "healthy"}}, 0, '{"Health":{"Status":"healthy"}}', ""),
    (
        {"says": {"Health.Status": "healthy"}},
        0,
        '{"Health":{"Status":"starting"}}',
        'Health.Status is "starting", not "healthy"',
    ),
    ({"says": {"0.n": 1}}, 0, "no json", "0.n is null, not 1"),
    ({"says": {"score": None}, "least": {"score": 0.95}}, 0, '{"score": 0.9}', "score is 0.9, less than 0.95"),
]


@pytest.mark.parametrize(("expects", "status", "output", "why"), JUDGED)
def test_answers_are_judged(expects: dict[str, Any], status: int, output: str, why: str) -> None:
    judged = judge(Expects(**expects), status, output)
    assert (judged.matched, judged.why) == (not why, why)


def test_healthy_means_every_row_and_enough_of_them() -> None:
    expects = Expects(rows={"path": "Health", "is": ["healthy"], "count": 2})
    rows = ['{"Name":"a","Health":"healthy"}', '{"Name":"b","Health":"starting"}', '{"Name":"c","Health":"healthy"}']
    assert judge(expects, 0, "\n".join(rows)).why == "2 of 3 are right: b is starting"
    assert judge(expects, 0, f"[{rows[0]},{rows[2]}]").matched
    assert judge(expects, 0, rows[0]).why == "1 rows, 2 expected"
    assert judge(expects, 0, "").why == "0 rows, 2 expected"
    assert judge(expects, 0, "table").why == "its output is not one JSON object a line"


def test_what_was_there_before_is_not_what_the_step_did() -> None:
    expects = Expects(pattern="at (?P<at>.+)", after_start="at", skew="5s")
    fresh = (NOW - timedelta(seconds=4)).isoformat()
    assert judge(expects, 0, f"at {fresh}", began=NOW).matched and judge(expects, 0, "at 1999-01-01").matched
    assert "before this began" in judge(expects, 0, "at 2026-11-20T13:59:54.123456789Z", began=NOW).why
    assert "is no time" in judge(expects, 0, "at noon", began=NOW).why


SECRET = [
    "password=hunter22", "DB_PASSWORD: hunter22", '"api_key": "hunter22"', "--token='hunter 22'", "https://u:hunter22@h/",
    "Authorization: Bearer hunter22hunter22", "AKIAIOSFODNN7HUNTER22", "AWS_SECRET_ACCESS_KEY=hunter22",
    "-----BEGIN OPENSSH PRIVATE KEY-----\nhunter22\n-----END OPENSSH PRIVATE KEY-----", "ghp_hunter22hunter22hunter22",
    "eyJhbGciOiJI.eyJodW50ZXIyMiI6.aHVudGVyMjJoddd",
]  # fmt: skip


@pytest.mark.parametrize("text", SECRET)
def test_what_looks_like_a_secret_is_masked(text: str) -> None:
    said = masked(f"before {text} after")
    assert "hunter" not in said.lower() and "eyJ" not in said and MASK in said and said.startswith("before")


def test_words_stay_and_long_outputs_are_cut() -> None:
    plain = "Container ecommerce_postgres Started; 61% used; sha256:c0c0; tokens refreshed"
    assert masked(plain) == plain and masked("x correct-horse y", ["correct-horse", "ab"]) == f"x {MASK} y"
    assert bounded("a\x1b[31mb\r\nc\x00") == "a[31mb\nc"
    text = bounded("x" * 10_000)
    assert len(text) < 4000 and f"[… {10_000 - HEAD - TAIL} characters …]" in text
