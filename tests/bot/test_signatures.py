"""Signatures as pure functions: every way a forged one can look."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest

from bot.signatures import hook_refusal, pagerduty_genuine, slack_refusal, token_genuine

NOW, BODY, SECRET = 1_790_000_000.0, b"a=1", "s"


def sign(stamp: str, secret: str = SECRET) -> str:
    return "v0=" + hmac.new(secret.encode(), f"v0:{stamp}:".encode() + BODY, hashlib.sha256).hexdigest()


def test_genuine() -> None:
    assert slack_refusal(SECRET, "1790000000", sign("1790000000"), BODY, now=NOW) == ""
    assert slack_refusal(SECRET, "1790000300", sign("1790000300"), BODY, now=NOW) == ""


@pytest.mark.parametrize(
    ("stamp", "signature", "why"),
    [
        ("1790000301", sign("1790000301"), "stale"),
        ("1789999699", sign("1789999699"), "stale"),
        ("", "", "timestamp"),
        ("soon", "v0=1", "timestamp"),
        ("-1", "v0=1", "timestamp"),
        ("1e9", "v0=1", "timestamp"),
        ("١٧٩", "v0=1", "timestamp"),
        ("9" * 400, "v0=1", "timestamp"),
        ("1790000000", "", "signature"),
        ("1790000000", "v0=", "signature"),
        ("1790000000", "v0=ünicode\ud800", "signature"),
        ("1790000000", sign("1790000000", "other"), "signature"),
        ("1790000000", sign("1790000001"), "signature"),
    ],
)
def test_refused(stamp: str, signature: str, why: str) -> None:
    assert slack_refusal(SECRET, stamp, signature, BODY, now=NOW) == why


def test_without_a_secret_nothing_is_genuine() -> None:
    empty = "v0=" + hmac.new(b"", b"v0:1790000000:" + BODY, hashlib.sha256).hexdigest()
    assert slack_refusal("", "1790000000", empty, BODY, now=NOW) == "no_secret"
    assert not pagerduty_genuine((), "v1=" + hmac.new(b"", BODY, hashlib.sha256).hexdigest(), BODY)


@pytest.mark.parametrize(
    ("header", "fits"),
    [
        ("Bearer t2", True),
        ("bearer  t2 ", True),
        ("Basic " + base64.b64encode(b"anybody:t1").decode(), True),
        ("Basic " + base64.b64encode(b"t1").decode(), False),
        ("Basic \xff", False),
        ("Bearer", False),
        ("t1", False),
        ("", False),
    ],
)
def test_tokens(header: str, fits: bool) -> None:
    assert token_genuine(("t1", "t2"), header) is fits
    assert not token_genuine((), header) and not token_genuine(("",), header)


def test_generic_webhooks() -> None:
    def mac(stamp: str) -> str:
        return "v1=" + hmac.new(SECRET.encode(), f"v1:{stamp}:".encode() + BODY, hashlib.sha256).hexdigest()

    stamp = "1790000000"
    assert hook_refusal(("old", SECRET), stamp, mac(stamp), BODY, now=NOW) == ""
    assert hook_refusal((), stamp, mac(stamp), BODY, now=NOW) == "no_secret"
    assert hook_refusal((SECRET,), stamp, mac(stamp), BODY + b" ", now=NOW) == "signature"
    assert hook_refusal((SECRET,), stamp, mac("1790000001"), BODY, now=NOW) == "signature"
    assert hook_refusal((SECRET,), "1790000301", mac("1790000301"), BODY, now=NOW) == "stale"
    assert hook_refusal((SECRET,), "soon", mac("soon"), BODY, now=NOW) == "timestamp"
