"""`http.probe`."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import web
from pydantic import ValidationError

from bot.sandbox.client import SandboxClient
from playbooks.actions.http.probe import Probe
from playbooks.connectors.http import HttpReads
from playbooks.errors import NotYet, Refused


async def test_it_says_what_is_now_and_what_must_be(
    world: Any, http: HttpReads, env: dict[str, str], sb: SandboxClient
) -> None:
    url = env["CHECKOUT_HEALTH_URL"]
    step = Probe(url=url, within="5m")
    plan = await step.plan(world(http))
    assert plan.effect == f"{url} must answer 200 within 5 min"
    assert plan.notes == (f"{url} answers 503 now; must answer 200 within 5 min",) and plan.outputs is None
    with pytest.raises(NotYet, match="answers 503 now"):
        await step.look(world(http))
    await sb.instance("orders-db", zone="eu-north-1b", secondary_zone="eu-north-1a")
    seen = await step.look(world(http))
    assert seen.status == 200 and step.say(seen).startswith(f"{url} answers 200 (")
    later = await step.plan(world(http))
    assert later.effect == plan.effect and later.outputs["status"] == 200  # only the notes differ


async def test_no_answer_is_not_yet_and_no_address_refused(world: Any, http: HttpReads, closed_port: int) -> None:
    with pytest.raises(NotYet, match="does not answer now"):
        await Probe(url=f"http://127.0.0.1:{closed_port}/").look(world(http))
    with pytest.raises(Refused):
        await Probe(url="http://").look(world(http))


async def test_json_and_latency(world: Any, http: HttpReads, aiohttp_url: Any) -> None:
    async def reply(_: web.Request) -> web.Response:
        return web.json_response({"checks": [{"db": "ok"}], "ready": False, "lag": 0})

    url = await aiohttp_url("/x/{what}", reply) + "a"
    good = Probe(url=url, json_path="checks.0.db", json_value="ok", max_latency_ms=5000)
    assert (await good.look(world(http))).value == "ok"
    assert good._must() == 'must answer 200 with "ok" at checks.0.db in 5000 ms within 5 min'
    assert (await Probe(url=url, json_path="lag", json_value=0).look(world(http))).value == 0
    wrong = [{"json_path": "ready"}, {"json_path": "checks.1.db"}, {"json_path": "checks.0.db", "json_value": "bad"},
             {"max_latency_ms": 0.001}, {"status": 503}]  # fmt: skip
    for parameters in wrong:
        with pytest.raises(NotYet):
            await Probe(url=url, **parameters).look(world(http))


@pytest.mark.parametrize(("within", "seconds"), [("5m", 300), (90, 90), ("1h30m", 5400), (0.5, 0.5)])
def test_lengths_of_time(within: Any, seconds: float) -> None:
    assert Probe(url="https://a", within=within).within_s() == seconds


@pytest.mark.parametrize("within", ["soon", -1, True, None])
def test_no_lengths_of_time(within: Any) -> None:
    with pytest.raises(ValidationError):
        Probe(url="https://a", within=within)
