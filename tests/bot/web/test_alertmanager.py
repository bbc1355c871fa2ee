"""What is kept of Alertmanager's bodies. Over the wire: tests/conversations/test_alerts.py."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bot.web.alertmanager import read


def body(**changes: Any) -> bytes:
    one = {"status": "firing", "labels": {"alertname": "Down", "service": "checkout"}, "annotations": {"summary": "503"},
           "startsAt": "2026-11-22T14:00:00Z", "generatorURL": "javascript:alert(1)", "fingerprint": "f1"}  # fmt: skip
    return json.dumps({"version": "4", "groupKey": "{}", "alerts": [one | changes]}).encode()


def test_an_alert_is_one_line_and_its_link_is_a_web_address() -> None:
    ask = read(body())
    assert ask is not None and ask.line == "alerts" and ask.account == "alertmanager"
    (alert,) = ask.values["alerts"]
    assert alert["title"] == "Down: 503" and alert["service"] == "checkout" and alert["url"] == ""
    assert alert["at"] == "2026-11-22T14:00:00Z" and alert["fingerprint"] == "f1"
    again, other = read(body()), read(body(status="resolved"))
    assert again is not None and other is not None and ask.key == again.key != other.key


@pytest.mark.parametrize("labels", [None, [], "x", {"a": {"b": 1}}, {"n": 1}])
def test_odd_labels_do_no_harm(labels: Any) -> None:
    ask = read(body(labels=labels, annotations=None, fingerprint=None, generatorURL="https://x.example/a?b=1"))
    assert ask is not None and ask.values["alerts"][0]["url"] == "https://x.example/a?b=1"


@pytest.mark.parametrize(
    "wrong", [b"", b"[]", b"{}", b'{"version": "3", "alerts": []}', b'{"version": "4", "alerts": []}']
)
def test_what_is_no_group_of_alerts_is_unreadable(wrong: bytes) -> None:
    assert read(wrong) is None
