"""What is kept of generic webhooks. Over the wire: tests/conversations/test_alerts.py."""

from __future__ import annotations

import json

import pytest

from bot.web.incoming import read


def test_one_or_several_alerts_of_one_call() -> None:
    one = {"key": "q", "title": "the queue is long", "status": "OK", "labels": {"severity": "high"}}
    ask = read("shop", json.dumps(one).encode(), "1")
    assert ask is not None and ask.values["source"] == "shop"
    assert ask.values["alerts"][0]["state"] == "resolved" and ask.values["alerts"][0]["severity"] == "high"
    several = read("shop", json.dumps({"alerts": [one, one | {"key": "r"}], "group": "g"}).encode(), "1")
    assert several is not None and len(several.values["alerts"]) == 2 and several.key != ask.key


@pytest.mark.parametrize("wrong", [b"x", b"[]", b"{}", b'{"key": "a"}', b'{"alerts": [1]}', b'{"alerts": []}'])
def test_what_names_no_alert_is_unreadable(wrong: bytes) -> None:
    assert read("shop", wrong) is None
