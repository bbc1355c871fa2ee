"""The doctor's look at the databases and caches the policy names, and at the programs that copy databases.

Belongs here: these findings. Does not belong here: Muster's own database (doctor.py), whether objectives can be met.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator

from bot.connectors import Connectors
from bot.finding import Finding, ok
from playbooks.connectors.answers import ServiceRefused
from playbooks.connectors.postgres import PostgresReads
from playbooks.connectors.redis import RedisReads
from playbooks.errors import MusterError, Refused
from playbooks.policy import Policy
from playbooks.secrets import SecretRef

WITHIN_S = 15.0
PROGRAMS = ("pg_dump", "pg_restore", "psql")


async def look(connectors: Connectors, policy: Policy) -> list[Finding]:
    """One finding for each address of a database or cache, and one for the programs."""
    postgres, redis = connectors.tools[PostgresReads], connectors.tools[RedisReads]
    looks = [_one(name, ref, lambda ref=ref: _database(postgres, ref)) for name, ref in _databases(policy)]  # type: ignore[misc]
    looks += [_one(name, ref, lambda ref=ref: _cache(redis, ref)) for name, ref in _caches(policy)]  # type: ignore[misc]
    return [*await asyncio.gather(*looks), await _programs(postgres)]


def _databases(policy: Policy) -> Iterator[tuple[str, SecretRef]]:
    """What it is called and its reference, each reference once, in the order of the policy."""
    seen: set[SecretRef] = set()
    for name, service in policy.services.items():
        for site, there in ((service.site or "", service), *service.resources.items()):
            where = f"Database of {name}{f' at {site}' if site else ''}"
            for ref in (there.database.dsn, there.database.admin) if there.database else ():
                if ref is not None and ref not in seen:
                    seen.add(ref)
                    yield where, ref


def _caches(policy: Policy) -> Iterator[tuple[str, SecretRef]]:
    seen: set[SecretRef] = set()
    for name, service in policy.services.items():
        for site, there in ((service.site or "", service), *service.resources.items()):
            where = f"Cache of {name}{f' at {site}' if site else ''}"
            for ref in (there.cache.url, there.cache.replica) if there.cache else ():
                if ref is not None and ref not in seen:
                    seen.add(ref)
                    yield where, ref


async def _one(what: str, ref: SecretRef, reach: Callable[[], Awaitable[str]]) -> Finding:
    """A reference without a value is not configured; one that leads nowhere is broken."""
    try:
        async with asyncio.timeout(WITHIN_S):
            return ok(what, await reach())
    except ServiceRefused as error:
        return Finding(what, "broken", str(error))
    except Refused as error:
        return Finding(what, "missing", f"{error}")
    except MusterError as error:
        return Finding(what, "broken", str(error))
    except TimeoutError:
        return Finding(what, "broken", f"{ref}: no answer within {WITHIN_S:.0f} s")


async def _database(postgres: PostgresReads, ref: SecretRef) -> str:
    seen = await postgres.server(ref)
    role = "standby" if seen.standby else "primary, accepts writes" if seen.writable else "primary, read-only"
    return f"{ref}: PostgreSQL {seen.version}, {role}"


async def _cache(redis: RedisReads, ref: SecretRef) -> str:
    seen = await redis.info(ref)
    return f"{ref}: Redis {seen.version}, {'primary' if seen.primary else 'replica'}, {seen.keys:,} keys"


async def _programs(postgres: PostgresReads) -> Finding:
    """Dumps and restores need them; everything else does not."""
    versions = []
    for name in PROGRAMS:
        try:
            versions.append(f"{name} {await postgres.program(name)}")
        except Refused as error:
            return Finding(
                "Database copies", "missing", f"{error.message} {error.todo} Dumps and restores are refused."
            )
    return ok("Database copies", ", ".join(versions))
