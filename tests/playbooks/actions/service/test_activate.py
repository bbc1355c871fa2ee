"""`service.activate`: recorded where a write, DNS and health show it, and never beside a second writer."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from bot.sandbox.server import Sandbox
from playbooks.action import Again, Risk
from playbooks.actions.service.activate import ServiceActivate
from playbooks.connectors.dns import DnsReads
from playbooks.connectors.http import HttpReads
from playbooks.connectors.postgres import Postgres
from playbooks.errors import Refused, Temporary
from tests.postgres_pair import Pair

NAME, HOME, AWAY = "checkout.example.com", "primary.checkout.example.com", "secondary.checkout.example.com"


@pytest.fixture
def step(env: dict[str, str]) -> ServiceActivate:
    return ServiceActivate(
        service="checkout", site="secondary", dsn="env://STANDBY_DSN", old_dsn="env://PRIMARY_DSN", record=NAME,
        type="CNAME", values=[AWAY], resolver=env["CHECKOUT_RESOLVER"], health_url=env["CHECKOUT_HEALTH_URL"],
    )  # fmt: skip


async def test_it_measures_what_was_lost_and_believes_only_what_it_sees(
    world: Any, act: Any, postgres: Postgres, names: DnsReads, http: HttpReads, pair: Pair, sandbox: Sandbox,
    sb: SandboxClient, step: ServiceActivate, env: dict[str, str],
) -> None:  # fmt: skip
    assert (step.risk, step.again, step.moves_service) == (Risk.WRITE, Again.KEYED, True)
    plan = await step.plan(world())
    assert plan.targets == ("service:checkout",) and plan.effect == (
        "Record checkout as active at secondary, verified by a marker written and read back, "
        f"{NAME} saying {AWAY}, {env['CHECKOUT_HEALTH_URL']} answering 200"
    )
    last = await postgres.write_marker(step.old_dsn, f"last-{id(step)}", "")  # type: ignore[arg-type]
    pair.level()
    pair.standby.sql("SELECT pg_promote(true)", "postgres")
    with pytest.raises(Refused, match="would have two writers"):
        await step.run(act(postgres))
    pair.primary.sql("ALTER DATABASE shop SET default_transaction_read_only = on", "postgres")
    late = step.model_copy(update={"last_written_at": last.written_at + timedelta(seconds=40)})
    done = await late.run(act(postgres, key=f"one-{id(step)}"))
    again = await late.run(act(postgres, key=f"one-{id(step)}"))
    assert (done.service, done.site) == ("checkout", "secondary") and done.rpo_s == pytest.approx(40, abs=0.5)
    assert (again.marker, again.marked_at) == (done.marker, done.marked_at), "one marker for one attempt"
    exact = await step.model_copy(update={"last_written_at": last.written_at}).run(act(postgres, key=f"two-{id(step)}"))
    assert exact.rpo_s == 0 and step.say(exact) == "checkout: marker written at secondary; nothing lost"

    lost = await step.verify(world(postgres, names, http), done.model_copy(update={"marker": "nobody's"}))
    assert lost.ok is None and "cannot be read back" in lost.text
    seen = await step.verify(world(postgres, names, http), done)
    assert seen.ok is None and seen.text == f"{NAME} says {HOME}, not yet {AWAY}"
    (await sandbox.aws.route53()).change(NAME, "CNAME", (AWAY,))
    sick = await step.verify(world(postgres, names, http), done)
    assert sick.ok is None and sick.text.endswith("answers 503")
    sandbox.settings.broken_zone = ""
    seen = await step.verify(world(postgres, names, http), done)
    assert seen.ok is True
    assert seen.text == (
        f"checkout is active at secondary: marker read back, DNS says {AWAY}, health answers 200; 40 s of writes lost"
    )
    await sb.fail("dns", "CNAME", "timeout_before", times=9)
    with pytest.raises(Temporary):  # the engine looks again
        await step.verify(world(postgres, names, http), done)


async def test_no_writes_there_or_nothing_to_look_at_is_no_activation(
    world: Any, act: Any, postgres: Postgres, names: DnsReads, pair: Pair, step: ServiceActivate,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    with pytest.raises(Refused, match="it is a standby"):
        await step.run(act(postgres))
    monkeypatch.setenv("PRIMARY_DSN", "postgresql://postgres@127.0.0.1:1/shop")
    pair.standby.sql("SELECT pg_promote(true)", "postgres")
    assert (await step.run(act(postgres))).rpo_s is None, "the old one is gone: nobody measured"
    blind = ServiceActivate(service="auth", site="secondary")
    for call in (blind.plan(world()), blind.run(act()), step.model_copy(update={"values": []}).plan(world())):
        with pytest.raises(Refused, match="Nothing would show"):
            await call
    bare = ServiceActivate(service="auth", site="secondary", record=NAME, type="CNAME", values=[HOME],
                           resolver=step.resolver)  # fmt: skip
    done = await bare.run(act())
    assert done.marker == "" and (await bare.verify(world(names), done)).ok is True
