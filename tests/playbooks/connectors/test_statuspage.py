"""`playbooks/connectors/statuspage.py` on the wire: every call, every way it can end, and nothing published twice."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from aiohttp import web

from bot.sandbox.client import SandboxClient
from playbooks.connectors.answers import ServiceRefused
from playbooks.connectors.pace import Spacing
from playbooks.connectors.statuspage import Statuspage
from playbooks.errors import Refused, Temporary, Uncertain

CREATE = "POST /incidents"
WAYS = [
    ("429", Temporary, Temporary, 0),
    ("500", Uncertain, Temporary, 0),
    ("503", Uncertain, Temporary, 0),
    ("reset", Uncertain, Temporary, 0),
    ("timeout_before", Uncertain, Temporary, 0),
    ("timeout_after", Uncertain, Temporary, 1),
    ("close_after", Uncertain, Temporary, 1),
    ("error:bad", Refused, Refused, 0),
]


async def publish(page: Statuspage, marker: str = "INC-1", **more: Any) -> Any:
    return await page.create(
        "Checkout", "We look.", status="investigating", impact="major", markers={"marker": marker}, **more
    )


@pytest.mark.parametrize(("mode", "write", "read", "count"), WAYS)
async def test_every_failure_of_a_create_is_sorted_and_sent_once(
    statuspage: Statuspage, sb: SandboxClient, ending: Any, effects: Any, mode: str, write: type, read: type, count: int
) -> None:
    await sb.fail("statuspage", CREATE, mode)
    error = await ending(publish(statuspage))
    assert isinstance(error, write) and "Statuspage" in str(error)
    assert len(await sb.calls("statuspage", CREATE)) == 1
    assert await effects("statuspage", CREATE) == count
    assert len((await sb.statuspage())["incidents"]) == count


@pytest.mark.parametrize(("mode", "write", "read", "count"), WAYS)
async def test_a_failing_read_is_temporary_unless_refused(
    statuspage: Statuspage, sb: SandboxClient, ending: Any, mode: str, write: type, read: type, count: int
) -> None:
    await sb.fail("statuspage", "*", mode)
    assert isinstance(await ending(statuspage.unresolved()), read)


@pytest.mark.parametrize("status", [420, 429])
async def test_both_numbers_statuspage_uses_for_slow_down_are_temporary(
    aiohttp_url: Any, ending: Any, status: int
) -> None:
    async def reply(_: web.Request) -> web.Response:
        return web.json_response({"error": "slow"}, status=status)

    url = await aiohttp_url("/pages/{page}/incidents", reply)
    page = Statuspage("k", "p", api_url=url.removesuffix("/pages/"), pace=Spacing(0))
    assert isinstance(await ending(publish(page)), Temporary)
    await page.close()


async def test_after_a_lost_answer_the_incident_is_found_by_its_marker(
    statuspage: Statuspage, sb: SandboxClient, ending: Any
) -> None:
    assert await statuspage.find_by_marker("INC-1") is None
    await sb.fail("statuspage", CREATE, "timeout_after")
    assert isinstance(await ending(publish(statuspage)), Uncertain)
    found = await statuspage.find_by_marker("INC-1")
    assert found is not None and found.name == "Checkout" and not found.resolved
    assert await statuspage.find_by_marker("INC-2", "") is None
    assert [one.id for one in await statuspage.unresolved()] == [found.id]


async def test_from_create_to_resolve_with_components(statuspage: Statuspage, sb: SandboxClient) -> None:
    ids = await statuspage.component_ids(["Checkout", "cmpauth"])
    assert ids == ("cmpcheckout", "cmpauth") and await statuspage.component_ids([]) == ()
    made = await publish(
        statuspage, components={ids[0]: "partial_outage"}, component_ids=ids, deliver_notifications=False
    )
    assert made.url.startswith("https://") and (await sb.statuspage())["notified"] == []
    assert {one.name: one.status for one in made.components}["checkout"] == "partial_outage"
    done = await statuspage.update(made.id, body="Fixed.", status="resolved", components={ids[0]: "operational"})
    assert done.resolved and done.updates[0].body == "Fixed."
    assert {one.name: one.status for one in (await statuspage.incident(made.id)).components}[
        "checkout"
    ] == "operational"
    assert await statuspage.unresolved() == []
    found = await statuspage.find_by_marker("INC-1")
    assert found is not None and found.resolved


async def test_unknown_things_are_refused_by_name(statuspage: Statuspage, ending: Any) -> None:
    error = await ending(statuspage.component_ids(["chekout"]))
    assert isinstance(error, Refused) and "chekout" in error.message and "checkout" in error.todo
    error = await ending(statuspage.incident("nothing"))
    assert isinstance(error, ServiceRefused) and error.code == "404"


async def test_a_bad_key_names_the_variable(env: dict[str, str], ending: Any) -> None:
    page = Statuspage("wrong", "p", api_url=env["STATUSPAGE_API_URL"])
    error = await ending(page.unresolved())
    await page.close()
    assert isinstance(error, Refused) and "STATUSPAGE_API_KEY" in error.todo


async def test_nobody_listening_is_temporary(closed_port: int, ending: Any) -> None:
    page = Statuspage("k", "p", api_url=f"http://127.0.0.1:{closed_port}/v1")
    assert isinstance(await ending(publish(page)), Temporary)
    await page.close()


async def test_requests_keep_their_distance() -> None:
    pace, started = Spacing(0.05), time.monotonic()
    await asyncio.gather(*(pace.turn() for _ in range(4)))
    assert 0.14 < time.monotonic() - started < 20
