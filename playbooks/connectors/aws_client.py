"""Calling AWS: sessions, clients, one call, and what botocore's errors mean. The only importer of boto3 and botocore.

Belongs here: credentials (the SDK's own chain, or a short-lived role per site and risk), regions, time-outs that stop
(contract E1), sorting errors into Temporary, Refused and Uncertain. Does not belong here: any service of AWS; those
are `aws_<service>.py`, joined in `aws.py`.
"""

from __future__ import annotations

import functools
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProxyConnectionError,
    ReadTimeoutError,
)
from botocore.parsers import ResponseParserError

from playbooks.action import Where
from playbooks.connectors.answers import (
    CONNECT_S,
    READ_S,
    ServiceRefused,
    is_loopback,
    no_answer,
    short,
    too_many,
    unreachable,
)
from playbooks.connectors.threads import Threads
from playbooks.errors import MusterError, Refused

THROTTLED = frozenset({
    "Throttling", "ThrottlingException", "ThrottledException", "RequestLimitExceeded", "TooManyRequestsException",
    "RequestThrottled", "RequestThrottledException", "SlowDown", "BandwidthLimitExceeded", "PriorRequestNotComplete",
})  # fmt: skip
DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})
BAD_KEY = frozenset({
    "InvalidClientTokenId", "SignatureDoesNotMatch", "ExpiredToken", "ExpiredTokenException", "AuthFailure",
    "UnrecognizedClientException", "InvalidAccessKeyId", "RequestExpired", "IncompleteSignature",
})  # fmt: skip
CREDENTIALS = "Give the process an IAM role or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."


ROLE_S = 900  # the shortest AWS gives; an effect is one call
SESSIONS = 32  # of assumed roles kept at a time; each step has one of its own


@dataclass
class _Signed:
    """Clients that share one identity. until: monotonic time when its credentials run out, None for our own."""

    session: Any
    until: float | None = None
    clients: dict[tuple[str, str], Any] = field(default_factory=dict)


class _Shared:
    """What every bound copy of one connector shares: threads, settings, identities."""

    def __init__(self, config: Config, endpoint: str, keys: tuple[str, str], region: str, threads: Threads) -> None:
        self.config, self.endpoint, self.keys, self.region, self.threads = config, endpoint, keys, region, threads
        self.lock = threading.RLock()
        self.gates: dict[tuple[str, str], threading.Lock] = {}  # one assumes a role, the others wait for that one
        self.signed: dict[tuple[str, str], _Signed] = {}

    def client(self, service: str, region: str, role: str, name: str) -> Any:
        """The one client of a service, region and identity. Clients may be shared between threads, sessions may not."""
        signed = self._identity(role, name)
        with self.lock:
            where = (service, region or self.region)
            if where not in signed.clients:
                signed.clients[where] = signed.session.client(
                    service, region_name=where[1] or None, endpoint_url=self.endpoint or None, config=self.config
                )
            return signed.clients[where]

    def credentials(self, role: str, name: str) -> Any:
        """What calls of this identity are signed with, or None."""
        signed = self._identity(role, name)
        with self.lock:
            return signed.session.get_credentials()

    def _identity(self, role: str, name: str) -> _Signed:
        with self.lock:
            gate = self.gates.setdefault((role, name), threading.Lock())
        with gate:
            known = self.signed.get((role, name))
            if known is not None and (known.until is None or known.until > time.monotonic()):
                return known
            made = self._assumed(role, name) if role else _Signed(self._session(*self.keys))
            with self.lock:
                self._forget_old()
                self.signed[(role, name)] = made
            return made

    def _session(self, key: str, secret: str, token: str = "") -> Any:
        core = botocore.session.Session()
        session = boto3.session.Session(
            aws_access_key_id=key or None, aws_secret_access_key=secret or None, aws_session_token=token or None,
            region_name=self.region or None, botocore_session=core,
        )  # fmt: skip
        core.register_component("data_loader", _models())  # after boto3, which adds a folder to what it finds there
        return session

    def _assumed(self, role: str, name: str) -> _Signed:
        """A short-lived identity: CloudTrail then names the step beside every call it makes."""
        told = self.client("sts", self.region, "", "").assume_role(
            RoleArn=role, RoleSessionName=name or "muster", DurationSeconds=ROLE_S
        )["Credentials"]
        session = self._session(told["AccessKeyId"], told["SecretAccessKey"], told["SessionToken"])
        return _Signed(session, time.monotonic() + ROLE_S - 60)

    def _forget_old(self) -> None:
        roles = [one for one in self.signed if one[0]]
        for one in roles[: max(0, len(roles) - SESSIONS + 1)]:
            self.gates.pop(one, None)
            for client in self.signed.pop(one).clients.values():
                client.close()

    def close(self) -> None:
        self.threads.close()
        for signed in self.signed.values():
            for client in signed.clients.values():
                client.close()


class AwsClient:
    """One account of AWS. `bound` gives a copy that signs in as one step does; `at` one in another region.

    Settings: region, endpoint (a stand-in or proxy; "" is AWS), time-outs in seconds. Credentials come from the SDK's
    own chain unless given.
    """

    vendor = "AWS"

    def __init__(
        self,
        *,
        region: str = "",
        endpoint_url: str = "",
        access_key_id: str = "",
        secret_access_key: str = "",
        connect_timeout: float = CONNECT_S,
        read_timeout: float = READ_S,
        workers: int = 8,
    ) -> None:
        self._deadline_s = connect_timeout + read_timeout + 5
        config = Config(
            retries={"total_max_attempts": 1, "mode": "standard"},  # the default sends a reboot three times (E1)
            connect_timeout=connect_timeout,
            read_timeout=read_timeout,
            max_pool_connections=workers,
            proxies={} if is_loopback(endpoint_url) else None,
            s3={"addressing_style": "path"} if endpoint_url else None,  # a stand-in has no name per bucket
        )
        keys = (access_key_id, secret_access_key)
        self._shared = _Shared(config, endpoint_url, keys, region, Threads(self.vendor, workers))
        self._region, self._role, self._step = region, "", ""

    async def close(self) -> None:
        """Let go of threads and connections, those of bound copies too."""
        self._shared.close()

    def bound(self, where: Where) -> Self:
        """A copy for one step: in its site's region, under the role its site gives for what it does, named after it."""
        roles = (where.site.get("aws") or {}).get("roles") or {}
        copy = self.at(str(where.site.get("region") or ""))
        copy._role = str(roles.get("destructive" if where.risk.destructive else where.risk.word) or "")
        copy._step = session_name(where.step)
        return copy

    def at(self, region: str) -> Self:
        """A copy that calls another region; "" is the same one."""
        copy = object.__new__(type(self))
        copy.__dict__.update(self.__dict__)
        copy._region = region or self._region
        return copy

    def _client(self, service: str) -> Any:
        return self._shared.client(service, self._region, self._role, self._step)

    def _credentials(self) -> Any:
        """botocore's credentials behind our calls (with `access_key`), or None. Blocks."""
        return self._shared.credentials(self._role, self._step)

    def _send(self, service: str, call: str, write: bool, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """One call, in the calling thread. call: the client method's name."""
        name = f"{service} {call}"
        client = self._told(f"sts assume_role for {name}", lambda: self._client(service), False)
        method = getattr(client, call)
        answer: Mapping[str, Any] = self._told(name, lambda: method(**arguments), write)
        return answer

    def _told(self, name: str, send: Callable[[], Any], write: bool) -> Any:
        """What AWS answered, its errors in our words."""
        try:
            return send()
        except ClientError as error:
            raise _sorted(name, error, write) from None
        except (NoCredentialsError, PartialCredentialsError):
            raise Refused(f"AWS has no credentials here, {name} was not sent.", todo=CREDENTIALS) from None
        except NoRegionError:
            raise Refused(f"AWS has no region here, {name} was not sent.", todo="Set AWS_REGION.") from None
        except (EndpointConnectionError, ConnectTimeoutError, ProxyConnectionError) as error:
            raise unreachable("AWS", name, type(error).__name__) from None
        except (ReadTimeoutError, ConnectionClosedError, ResponseParserError) as error:  # parser: a proxy's own page
            raise no_answer("AWS", name, type(error).__name__, write=write) from None
        except BotoCoreError as error:
            raise _other(name, error, write) from None

    async def _call(self, service: str, call: str, *, write: bool, **arguments: Any) -> Mapping[str, Any]:
        """One call in a thread of our own."""
        return await self._in_thread(f"{service} {call}", lambda: self._send(service, call, write, arguments), write)

    async def _all(self, service: str, call: str, into: str, **arguments: Any) -> list[Any]:
        """A listing, page by page: everything under the key `into` of the answers (at most 10,000 items)."""

        def look() -> Mapping[str, Any]:
            pages = self._told(f"{service} {call}", lambda: self._client(service).get_paginator(call), False)
            return {into: self._told(f"{service} {call}", lambda: self._pages(pages, into, arguments), False)}

        found: list[Any] = (await self._in_thread(f"{service} {call}", look, False))[into]
        return found

    @staticmethod
    def _pages(pages: Any, into: str, arguments: Mapping[str, Any]) -> list[Any]:
        found: list[Any] = []
        for page in pages.paginate(**arguments):
            found += page.get(into) or ()
            if len(found) >= 10_000:
                break
        return found

    async def _in_thread(self, name: str, send: Callable[[], Mapping[str, Any]], write: bool) -> Mapping[str, Any]:
        try:
            return await self._shared.threads.run(send, deadline_s=self._deadline_s)
        except TimeoutError:
            raise no_answer("AWS", name, "time-out", write=write) from None


@functools.cache
def _models() -> Any:
    """The reader of AWS's own descriptions of its services and endpoints: megabytes, read once for all identities."""
    return botocore.session.Session().get_component("data_loader")


def session_name(step: str) -> str:
    """A step's id as AWS takes it for a role session: 2 to 64 of letters, digits and `_+=,.@-`."""
    return re.sub(r"[^\w+=,.@-]+", "-", f"muster-{step}", flags=re.ASCII).strip("-")[:64]


def _sorted(name: str, error: ClientError, write: bool) -> MusterError:
    """An answer with an error code. 5xx to a write says nothing about the effect."""
    answer = error.response.get("Error") or {}
    status = int((error.response.get("ResponseMetadata") or {}).get("HTTPStatusCode") or 0)
    code, words = str(answer.get("Code") or status), short(str(answer.get("Message") or ""))
    if code in THROTTLED or status == 429:
        return too_many("AWS", name, status, None)
    if status >= 500:
        return no_answer("AWS", name, f"{status} {code}", write=write)
    todo = ""
    if code in DENIED:
        todo = f"Allow {name.replace(' ', ':').replace('_', '')} for the role Muster runs under."
    elif code in BAD_KEY:
        todo = CREDENTIALS
    return ServiceRefused("AWS", code, f"AWS refused {name}: {code}. {words}".strip(), todo=todo)


def _other(name: str, error: BotoCoreError, write: bool) -> MusterError:
    """The rest of botocore's errors: wrong parameters never leave the house, a broken line says nothing."""
    kind = type(error).__name__
    if kind in ("ParamValidationError", "UnknownServiceError", "ProfileNotFound", "InvalidRegionError"):
        return Refused(f"AWS {name} was not sent: {short(str(error))}")
    return no_answer("AWS", name, kind, write=write)
