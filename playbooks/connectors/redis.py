"""Redis of services: reading (`RedisReads`) and acting (`Redis`) through redis-py, asked once, one connection a call.

Belongs here: calls, shapes, and what redis-py's errors mean; its texts hold addresses and are never repeated. The only
importer of redis. Does not belong here: managed caches whose commands are closed (AWS ElastiCache: connectors/aws).
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from redis import asyncio as client
from redis import exceptions
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from playbooks.connectors.answers import CONNECT_S, READ_S, Alive, ServiceRefused, no_answer, unreachable
from playbooks.connectors.threads import Threads
from playbooks.errors import MusterError, Refused
from playbooks.secrets import SecretRef, reveal

T = TypeVar("T")
Connection = Any  # redis.asyncio.Redis: its commands are typed for both of its worlds at once
Work = Callable[[Connection], Awaitable[T]]
TRACE = "muster:flushed:"
TRACE_S = 86400
BATCH = 1000
# redis-py's own words, where they are safe to show.
UNREACHABLE = {"name or service": "its host name does not resolve", "nodename": "its host name does not resolve",
               "timeout": "no connection in time", "timed out": "no connection in time"}  # fmt: skip
NEXT_STEP = "Allow the user behind that address what the step needs."


@dataclass(frozen=True)
class Replica:
    """A replica as its primary sees it: where, "online" or what else, and how many bytes it lacks."""

    ip: str
    port: int
    state: str
    behind: int


@dataclass(frozen=True)
class Info:
    """A server as it says it is. keys: of all databases; link_down_s: of a replica, seconds without its primary,
    0 while linked. used, most: bytes of memory (most 0: no limit). saved: whether the last save to disk went well.
    """

    version: str
    role: str
    run_id: str
    port: int
    keys: int
    databases: Mapping[str, int]
    used: int
    most: int
    clients: int
    evicted: int
    saved: bool
    cluster: bool
    linked: bool
    link_down_s: int
    offset: int
    replicas: tuple[Replica, ...]
    failing_over: str

    @property
    def primary(self) -> bool:
        """Whether it accepts writes of its own."""
        return self.role == "master"


@dataclass(frozen=True)
class Counted:
    """Keys that fit a pattern, of those looked at. whole: all of the database was looked at; total: keys there are."""

    matching: int
    looked_at: int
    total: int
    whole: bool


class RedisReads:
    """What can be asked of a Redis. Settings: time-outs in seconds."""

    vendor = "Redis"
    acting = False

    def __init__(self, *, connect_timeout: float = CONNECT_S, read_timeout: float = READ_S) -> None:
        self._connect_timeout = connect_timeout
        self._read_timeout = read_timeout
        self._threads = Threads("redis-secrets", 2)

    async def close(self) -> None:
        """Let go of threads; connections live only as long as a call."""
        self._threads.close()

    async def ping(self, url: SecretRef) -> float:
        """How long an answer takes, in milliseconds."""

        async def ask(line: Connection) -> float:
            began = time.monotonic()
            await line.ping()
            return round((time.monotonic() - began) * 1000, 1)

        return await self._do(url, "PING", ask)

    async def info(self, url: SecretRef) -> Info:
        """What the server says of itself."""

        async def ask(line: Connection) -> Info:
            return to_info(await line.info())

        return await self._do(url, "INFO", ask)

    async def count(self, url: SecretRef, pattern: str, *, most: int, within: float) -> Counted:
        """Keys of the address's database that fit a glob pattern. Stops after `most` keys or `within` seconds."""

        async def ask(line: Connection) -> Counted:
            ends, cursor, seen, found = time.monotonic() + within, 0, 0, 0
            total = int(await line.dbsize())
            while True:
                cursor, names = await line.scan(cursor, match=pattern, count=BATCH)
                found += len(names)
                seen = min(seen + BATCH, total)
                if cursor == 0:
                    return Counted(found, total, total, True)
                if seen >= most or time.monotonic() > ends:
                    return Counted(found, seen, total, False)

        return await self._do(url, "SCAN", ask, within=within)

    async def flushed(self, url: SecretRef, key: str) -> bool:
        """Whether the flush with that key was carried out (it leaves a trace for a day)."""

        async def ask(line: Connection) -> bool:
            await line.ping()  # what was sent before us and not yet read by the server is carried out before our next
            return bool(await line.exists(TRACE + key))

        return await self._do(url, "EXISTS", ask)

    async def _do(
        self, url: SecretRef, call: str, work: Work[T], *, write: bool = False, within: float | None = None
    ) -> T:
        """Do work over one connection. Raises Temporary, Refused or, for writes that were sent, Uncertain.

        Errors are raised outside `except`, so that they keep neither the connection nor the revealed text alive.
        """
        failed: MusterError
        name = f"{call} at {url}"
        try:
            async with asyncio.timeout(self._connect_timeout + 1) as deadline, self._open(url) as line:
                unopened = await self._opened(url, line)
                deadline.reschedule(asyncio.get_running_loop().time() + self._read_timeout + (within or 0) + 0.5)
                if unopened is None:
                    return await work(line)
                failed = unopened
        except TimeoutError:
            failed = no_answer(self.vendor, name, "time-out", write=write)
        except exceptions.RedisError as error:
            failed = _said(name, error, write)
        except (ValueError, UnicodeError):
            failed = ServiceRefused("Redis", "url", f"The value behind {url} is no Redis address.",
                                    todo="Write rediss://user:password@host:6379/0.")  # fmt: skip
        raise failed

    @asynccontextmanager
    async def _open(self, url: SecretRef) -> AsyncIterator[Connection]:
        """A client of one connection, not connected yet. Never retries: a command may be one that counts."""
        address = await self._threads.run(lambda: reveal(url), deadline_s=30.0)  # a secret store may block
        line: Connection = client.Redis.from_url(
            address, single_connection_client=True, protocol=2, retry=Retry(NoBackoff(), 0), retry_on_timeout=False,
            socket_connect_timeout=self._connect_timeout, socket_timeout=self._read_timeout, decode_responses=True,
            client_name="muster",
        )  # fmt: skip
        try:
            yield line
        finally:
            await line.aclose()

    async def _opened(self, url: SecretRef, line: Connection) -> MusterError | None:
        """Connect and sign in; why it did not work, or None. Nothing was asked for yet."""
        try:
            await line.initialize()
        except (exceptions.ConnectionError, exceptions.TimeoutError, OSError) as error:
            return _unconnected(url, error)
        return None


class Redis(RedisReads):
    """What can be done to a Redis."""

    acting = True

    async def flush(self, url: SecretRef, key: str) -> None:
        """Delete every key of every database, and leave a trace under `key` in the same moment."""

        async def act(line: Connection) -> None:
            async with line.pipeline(transaction=True) as both:
                both.execute_command("FLUSHALL", "ASYNC")
                both.set(TRACE + key, int(time.time()), ex=TRACE_S)
                await both.execute()

        await self._do(url, "FLUSHALL", act, write=True)

    async def failover(self, primary: SecretRef, ip: str, port: int, within_s: float) -> None:
        """Hand the primary's part over to one replica; it stops writes, waits for the replica, and gives up in time.

        Accepted is not done: look at the roles afterwards. Refused where the server has no such command (before 6.2).
        """

        async def act(line: Connection) -> None:
            await line.execute_command("FAILOVER", "TO", ip, port, "TIMEOUT", round(within_s * 1000))

        await self._do(primary, "FAILOVER", act, write=True)

    async def promote(self, replica: SecretRef) -> None:
        """Make a replica a primary of its own. What its old primary has and it has not is lost."""

        async def act(line: Connection) -> None:
            await line.execute_command("REPLICAOF", "NO", "ONE")

        await self._do(replica, "REPLICAOF", act, write=True)


def to_info(raw: Mapping[str, Any]) -> Info:
    """INFO as redis-py reads it -> Info."""
    databases = {name: int(row["keys"]) for name, row in raw.items() if re.fullmatch(r"db\d+", name)}
    offset = int(raw.get("master_repl_offset") or 0)
    replicas = tuple(
        Replica(str(row["ip"]), int(row["port"]), str(row["state"]), max(0, offset - int(row["offset"])))
        for name, row in sorted(raw.items())
        if re.fullmatch(r"slave\d+", name)
    )
    linked = raw.get("master_link_status") == "up"
    down = raw.get("master_link_down_since_seconds")
    return Info(
        version=str(raw["redis_version"]), role=str(raw["role"]), run_id=str(raw.get("run_id") or ""),
        port=int(raw.get("tcp_port") or 0), keys=sum(databases.values()), databases=databases,
        used=int(raw.get("used_memory") or 0), most=int(raw.get("maxmemory") or 0),
        clients=int(raw.get("connected_clients") or 0), evicted=int(raw.get("evicted_keys") or 0),
        saved=raw.get("rdb_last_bgsave_status", "ok") == "ok" and raw.get("aof_last_write_status", "ok") == "ok",
        cluster=bool(int(raw.get("cluster_enabled") or 0)), linked=linked,
        link_down_s=0 if linked else max(0, int(down)) if down is not None else 0,
        offset=int(raw.get("slave_repl_offset") or offset), replicas=replicas,
        failing_over=str(raw.get("master_failover_state") or ""),
    )  # fmt: skip


def _unconnected(url: SecretRef, error: Exception) -> MusterError:
    """Why nobody could be asked, in our own words only."""
    low = str(error).lower()
    if isinstance(error, exceptions.AuthenticationError | exceptions.AuthorizationError) or "noauth" in low:
        return ServiceRefused("Redis", "AUTH", f"Redis at {url} refused the sign-in.",
                              todo=f"Check user and password behind {url}.")  # fmt: skip
    if isinstance(error, exceptions.BusyLoadingError) or "max number of clients" in low:
        words = "it is loading its data" if isinstance(error, exceptions.BusyLoadingError) else "it is full"
        return Alive(f"Redis could not be reached for {url} ({words}); nothing was done.")
    if "certificate" in low or "ssl" in low:
        return ServiceRefused("Redis", "TLS", f"Redis at {url} and Muster do not agree on encryption.",
                              todo=f"Check rediss:// and the certificates behind {url}.")  # fmt: skip
    why = next((words for part, words in UNREACHABLE.items() if part in low), "no connection")
    if isinstance(error.__cause__ or error.__context__, ConnectionRefusedError):
        why = "connection refused"
    return unreachable("Redis", f"{url}", why)


def _said(name: str, error: exceptions.RedisError, write: bool) -> MusterError:
    """What an error after connecting means, by its kind and code."""
    if isinstance(error, exceptions.AuthenticationError | exceptions.NoPermissionError):
        return ServiceRefused("Redis", "NOPERM", f"Redis refused {name}: this user may not do that.", todo=NEXT_STEP)
    if isinstance(error, exceptions.BusyLoadingError | exceptions.TryAgainError):
        return Alive(f"Redis said not now to {name}; nothing was done.")
    if isinstance(error, exceptions.ConnectionError | exceptions.TimeoutError):
        return no_answer("Redis", name, "the connection broke", write=write)
    if isinstance(error, exceptions.ReadOnlyError):
        return ServiceRefused("Redis", "READONLY", f"Redis refused {name}: it is a replica and only reads.")
    if isinstance(error, exceptions.ResponseError):
        said = str(error).lower()
        words = "it does not know this command" if "unknown command" in said else "it is not in a state for that"
        return ServiceRefused("Redis", "ERR", f"Redis refused {name}: {words}.")
    return Refused(f"Redis was not asked for {name}: {type(error).__name__}.")
