"""`playbooks/connectors/answers.py`."""

from __future__ import annotations

import pytest

from playbooks.connectors.answers import is_loopback, no_answer, retry_after, short
from playbooks.errors import Temporary, Uncertain


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "http://127.9.9.9", "http://[::1]:8/", "http://localhost/x",
                                 "https://db.localhost/"])  # fmt: skip
def test_loopback(url: str) -> None:
    assert is_loopback(url)


@pytest.mark.parametrize(
    "url", ["", "https://slack.com/api/", "http://10.0.0.1/", "http://localhost.example.com/", "http://["]
)
def test_not_loopback(url: str) -> None:
    assert not is_loopback(url)


def test_silence_is_uncertain_for_writes_only() -> None:
    assert isinstance(no_answer("S", "c", "w", write=True), Uncertain)
    assert isinstance(no_answer("S", "c", "w", write=False), Temporary)


def test_seconds_to_wait() -> None:
    assert retry_after({"Retry-After": "7"}) == 7
    assert retry_after({"retry-after": "soon"}) is None and retry_after({}) is None
    assert retry_after({"ratelimit-reset": "3"}, "retry-after", "ratelimit-reset") == 3


def test_words_are_cut_to_one_line() -> None:
    assert short("a\n  b") == "a b" and len(short("x" * 500)) == 200
