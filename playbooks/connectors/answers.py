"""What an answer of an outside service, or its silence, means for the effect.

Belongs here: the few sentences and decisions all connectors share. Does not belong here: any SDK, or the error codes of
one service (those live in its own file).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from playbooks.errors import MusterError, Refused, Temporary, Uncertain

CONNECT_S = 3.0
READ_S = 10.0


class ServiceRefused(Refused):
    """A service said no, with its own error code ("name_taken", "DBInstanceNotFound"). The effect did not happen.

    details: the rest of its answer, where a connector needs it.
    """

    def __init__(
        self, service: str, code: str, message: str, *, todo: str = "", details: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(message, todo=todo)
        self.service = service
        self.code = code
        self.details: Mapping[str, Any] = details or {}


class Alive(Temporary):
    """Something answered there, but lets nobody in just now (starting up, full). Nothing was done.

    For who must know that something lives: what is merely busy may still accept somebody else's writes.
    """


def unreachable(service: str, call: str, why: str) -> Temporary:
    """No connection was made, so nothing was asked of the service."""
    return Temporary(f"{service} could not be reached for {call} ({why}); nothing was done.")


def no_answer(service: str, call: str, why: str, *, write: bool) -> MusterError:
    """The request went out and no usable answer came back. write: whether the request could change something."""
    if write:
        return Uncertain(f"{service} gave no answer to {call} ({why}); it may or may not have happened.")
    return Temporary(f"{service} gave no answer to {call} ({why}).")


def too_many(service: str, call: str, status: int, seconds: float | None) -> Temporary:
    """The service limits how often it may be asked. seconds: from its own header, None where it sent none."""
    wait = f", asks to wait {seconds:g} s" if seconds is not None else ""
    return Temporary(f"{service} said {status} to {call}{wait}; nothing was done.", retry_after=seconds)


def retry_after(headers: Mapping[str, str], *names: str) -> float | None:
    """Seconds from the first of these headers that holds a number. Without names: `Retry-After`."""
    lowered = {str(key).lower(): value for key, value in headers.items()}
    for name in names or ("retry-after",):
        try:
            return max(0.0, float(lowered[name.lower()]))
        except (KeyError, ValueError):
            continue
    return None


def is_loopback(url: str) -> bool:
    """Whether an address is on this machine: proxies are never asked for those, whatever the environment says."""
    try:
        host = urlsplit(url).hostname or ""
        if host == "localhost" or host.endswith(".localhost"):
            return True
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def short(text: str, limit: int = 200) -> str:
    """Words of a service on one line, cut, for a message to a person."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
