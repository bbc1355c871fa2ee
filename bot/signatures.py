"""Is this request really from Slack, PagerDuty or whoever else may call? Pure functions over raw bytes and headers.

Belongs here: contract A5 (Slack), C3 (PagerDuty v3). Does not belong here: HTTP, counting, what the request asks.
Bolt's own verifier is not used: a non-numeric timestamp raises inside it and the request is then handled (B3).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import time

WINDOW_S = 300


def slack_refusal(secret: str, timestamp: str, signature: str, body: bytes, *, now: float | None = None) -> str:
    """Why a Slack request is refused, in a word for counting; "" when it is genuine.

    timestamp, signature: headers X-Slack-Request-Timestamp and X-Slack-Signature. Both directions of clock skew count.
    """
    if not secret:
        return "no_secret"
    if not (timestamp.isascii() and timestamp.isdigit()) or len(timestamp) > 12:
        return "timestamp"
    if abs((time.time() if now is None else now) - int(timestamp)) > WINDOW_S:
        return "stale"
    wanted = "v0=" + hmac.new(secret.encode(), b"v0:" + timestamp.encode() + b":" + body, hashlib.sha256).hexdigest()
    return "" if hmac.compare_digest(wanted.encode(), signature.encode("utf-8", "replace")) else "signature"


def pagerduty_genuine(secrets: tuple[str, ...], header: str, body: bytes) -> bool:
    """Whether any `v1=` of X-PagerDuty-Signature fits any of our secrets. Every pair is compared, in constant time."""
    parts = [part.strip() for part in header.split(",")]
    given = [part[3:].encode("utf-8", "replace") for part in parts if part.startswith("v1=")]
    fits = False
    for secret in secrets:
        wanted = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest().encode()
        for one in given:
            fits |= hmac.compare_digest(wanted, one)
    return fits


def token_genuine(tokens: tuple[str, ...], authorization: str) -> bool:
    """Whether `Authorization` carries one of our tokens: as a bearer, or as the password of basic auth."""
    kind, _, given = authorization.strip().partition(" ")
    given = given.strip()
    if kind.lower() == "basic":
        try:
            given = base64.b64decode(given, validate=True).decode("utf-8").partition(":")[2]
        except ValueError:  # no base64, or no UTF-8
            given = ""
    elif kind.lower() != "bearer":
        given = ""
    fits = False
    for one in tokens:
        fits |= hmac.compare_digest(one.encode(), given.encode("utf-8", "replace"))
    return fits and bool(given)


def hook_refusal(secrets: tuple[str, ...], timestamp: str, signature: str, body: bytes, *, now: float = 0.0) -> str:
    """Why a generic webhook is refused, in a word for counting; "" when it is genuine.

    signature: `v1=` and HMAC-SHA256 (hex) of `v1:{timestamp}:` and the raw body; timestamp: Unix seconds, not older or
    newer than five minutes, so that what was overheard is soon worth nothing.
    """
    if not secrets:
        return "no_secret"
    if not (timestamp.isascii() and timestamp.isdigit()) or len(timestamp) > 12:
        return "timestamp"
    if abs((now or time.time()) - int(timestamp)) > WINDOW_S:
        return "stale"
    signed = b"v1:" + timestamp.encode() + b":" + body
    given = signature.encode("utf-8", "replace")
    fits = False
    for secret in secrets:
        wanted = "v1=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
        fits |= hmac.compare_digest(wanted.encode(), given)
    return "" if fits else "signature"
