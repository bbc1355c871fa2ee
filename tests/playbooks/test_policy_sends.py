"""Sections `mail_lists`, `templates`, `webhooks`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from playbooks.errors import Refused
from playbooks.policy import load_policy
from playbooks.policy_sends import MailList, Template, Webhook

GOOD: dict[str, Any] = {"name": "t", "audience": "internal", "subject": "{{ a }}", "body": "{{ a }} {{ b }}",
                        "values": {"a": "first", "b": "second"}}  # fmt: skip


def template(**changes: Any) -> Template:
    return Template(**{**GOOD, **changes})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"body": "{{ a }} {{ b }} {{ c }}"}, "uses c, which is not among"),
        ({"values": {"a": "x", "b": "y", "z": "w"}}, "does not use its value z"),
        ({"body": "{{ a"}, "cannot be read"),
        ({"subject": "{{ a }}\nBcc: x@y.z"}, "a subject is one line"),
        ({"audience": "press"}, "Input should be"),
    ],
)
def test_templates_that_cannot_be_written_are_refused_when_read(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        template(**changes)


def test_all_values_and_nothing_else() -> None:
    assert template().written({"a": "x\r\nBcc: evil@x.y", "b": 0}) == ("x Bcc: evil@x.y", "x\r\nBcc: evil@x.y 0\n")
    for values, words in [({"a": "x"}, r"needs b \(second\)"), ({"a": " ", "b": "y"}, "needs a"),
                          ({"a": "x", "b": "y", "c": "z"}, "has no c")]:  # fmt: skip
        with pytest.raises(Refused, match=words):
            template().written(values)
    for attack in ("{{ a.__class__.__mro__ }} {{ b }}", "{{ a.x.y }} {{ b }}"):
        with pytest.raises(Refused, match="cannot be written"):
            template(body=attack).written({"a": "x", "b": "y"})
    with pytest.raises(Refused, match="longer than"):
        template().written({"a": "x", "b": "y" * 20_001})


def test_addresses() -> None:
    made = {"title": "t", "audience": "internal", "from": "a@b.c"}
    for wrong in (["nobody"], ["a@b.c, d@e.f"], ["<a@b.c>"], []):
        with pytest.raises(ValidationError):
            MailList(to=wrong, **made)
    with pytest.raises(ValidationError):
        Webhook(title="t", url="ftp://x")
    with pytest.raises(ValidationError):
        Webhook(title="t", url="https://x", header="X: y\r\nZ")


def test_the_examples_templates_can_be_written() -> None:
    policy = load_policy(Path(__file__).resolve().parents[2] / "muster.example.yaml")
    assert {one.audience for one in policy.templates.values()} == {"internal", "customers", "executives", "regulator"}
    for one in policy.templates.values():
        subject, body = one.written(dict.fromkeys(one.values, "VALUE"))
        assert "VALUE" in subject + body and "{{" not in body
