"""`postgres.audit_query`: what a key did, without a query of anybody's and without secrets."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from playbooks.actions.postgres.audit_query import AuditQuery
from playbooks.connectors.postgres import Postgres
from playbooks.errors import Refused

DSN, KEY = "env://CHECKOUT_DSN", "AKIAIOSFODNN7EXAMPLE"
SINCE = datetime.now(UTC) - timedelta(days=1)


async def test_what_a_key_did(world: Any, postgres: Postgres) -> None:
    step = AuditQuery(dsn=DSN, key=KEY, since=SINCE, most=4, show=["created_at", "action", "resource", "details", "ip"])
    seen = await step.look(world(postgres))
    assert (seen.total, seen.actors, seen.more, len(seen.rows)) == (6, 1, True, 4)
    assert seen.first_at and seen.last_at and seen.first_at < seen.last_at
    assert [row["created_at"] for row in seen.rows] == sorted(row["created_at"] for row in seen.rows)
    assert (
        "sk_live_" not in str(seen.rows)
        and "[redacted]" in seen.rows[0]["details"]
        and seen.rows[0]["ip"] == "192.0.2.7"
    )
    assert step.say(seen).startswith(f"6 entries of key {KEY}, ")
    some = await AuditQuery(dsn=DSN, actor="user-1", since=SINCE).look(world(postgres))
    assert some.total and {row["actor"] for row in some.rows} == {"user-1"} and not some.more
    both = AuditQuery(dsn=DSN, actor="user-1", key=KEY, since=SINCE)
    assert both.say(await both.look(world(postgres))) == f"no entry of user-1 key {KEY}"
    recent = await AuditQuery(dsn=DSN, key=KEY, since=SINCE, until=seen.last_at).look(world(postgres))
    assert recent.total == 5


async def test_names_are_names_and_secrets_are_refused(world: Any, postgres: Postgres) -> None:
    for wrong in ({"key": "sk_live_0123456789abcdef"}, {"actor": "x", "table": 'audit_logs"; DROP TABLE orders'},
                  {}, {"actor": "x", "time_column": "created_at) --"}):  # fmt: skip
        with pytest.raises(ValidationError) as refused:
            AuditQuery(dsn=DSN, since=SINCE, **wrong)
        assert "value" in str(refused.value).lower() or "pattern" in str(refused.value)
    with pytest.raises(ValidationError, match="zone"):
        AuditQuery(dsn=DSN, actor="x", since="2026-11-22T08:00")
    quoted = AuditQuery(dsn=DSN, actor="' OR true --", since=SINCE)
    assert (await quoted.look(world(postgres))).total == 0
    with pytest.raises(Refused, match="no such column"):
        await AuditQuery(dsn=DSN, actor="x", since=SINCE, show=["nothing"]).look(world(postgres))
    with pytest.raises(Refused, match="no such table"):
        await AuditQuery(dsn=DSN, actor="x", since=SINCE, table="audit_log").look(world(postgres))
