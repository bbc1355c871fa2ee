"""`service.where`: three witnesses, and what each says when one of them contradicts the record."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from bot.sandbox.server import Sandbox
from playbooks.actions.service.where import ServiceWhere
from playbooks.connectors.dns import DnsReads
from playbooks.connectors.postgres import Postgres
from playbooks.errors import Refused
from tests.postgres_pair import Pair

NAME, HOME, AWAY = "checkout.example.com", "primary.checkout.example.com", "secondary.checkout.example.com"
PLACES = [
    {"site": "primary", "values": [f"{HOME}."], "dsn": "env://PRIMARY_DSN"},
    {"site": "secondary", "values": [AWAY], "dsn": "env://STANDBY_DSN"},
]


@pytest.fixture
def step(env: dict[str, str]) -> ServiceWhere:
    return ServiceWhere(service="checkout", recorded="primary", places=PLACES, record=NAME, type="CNAME",
                        resolver=env["CHECKOUT_RESOLVER"])  # fmt: skip


async def test_it_agrees_and_names_what_does_not_answer(
    world: Any, names: DnsReads, postgres: Postgres, pair: Pair, step: ServiceWhere, sb: SandboxClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    seen = await step.look(world(names, postgres))
    assert (seen.site, seen.dns_says, seen.writer_at, seen.unknown) == ("primary", "primary", "primary", [])
    assert step.say(seen) == "checkout at primary: DNS and the writer agree"
    monkeypatch.setenv("PRIMARY_DSN", "postgresql://postgres@127.0.0.1:1/shop")
    gone = await step.look(world(names, postgres))
    assert (gone.dns_says, gone.writer_at) == ("primary", "") and "database at primary" in gone.unknown[0]
    await sb.fail("dns", "CNAME", "timeout_before", times=9)
    with pytest.raises(Refused, match="Nothing shows where checkout is"):
        await step.look(world(names, postgres))


async def test_a_contradiction_is_refused_with_what_each_says(
    world: Any, names: DnsReads, postgres: Postgres, pair: Pair, step: ServiceWhere, sandbox: Sandbox
) -> None:
    away = step.model_copy(update={"recorded": "secondary"})
    with pytest.raises(Refused) as refused:
        await away.look(world(names, postgres))
    assert f"DNS says {HOME}, which is primary and the database at primary accepts writes" in refused.value.message
    assert "/playbook run service/record service=checkout site=…" in refused.value.todo
    (await sandbox.aws.route53()).change(NAME, "CNAME", ("hand.example.com",))
    with pytest.raises(Refused, match=r"hand\.example\.com, which is none of its sites\. Nothing"):
        await step.look(world(names, postgres))
    with pytest.raises(Refused, match="DNS says nothing"):
        await step.model_copy(update={"record": "none.checkout.example.com"}).look(world(names, postgres))


async def test_two_writers_are_split_brain_and_one_server_under_two_names_is_not(
    world: Any, names: DnsReads, postgres: Postgres, pair: Pair, step: ServiceWhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair.standby.sql("SELECT pg_promote(true)", "postgres")
    with pytest.raises(Refused, match="two writers: primary and secondary both accept writes"):
        await step.look(world(names, postgres))
    pair.primary.sql("ALTER DATABASE shop SET default_transaction_read_only = on", "postgres")
    with pytest.raises(Refused, match="the database at secondary accepts writes"):
        await step.look(world(names, postgres))
    monkeypatch.setenv("PRIMARY_DSN", pair.standby.dsn())
    assert (await step.look(world(names, postgres))).writer_at == "primary"
