"""`playbooks/connectors/pagerduty.py` on the wire: every call, every way it can end, and nothing sent twice."""

from __future__ import annotations

import time
import warnings
from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from playbooks.connectors.answers import ServiceRefused
from playbooks.connectors.pagerduty import PagerDuty, PagerDutyReads
from playbooks.errors import NotConfigured, Refused, Temporary, Uncertain
from playbooks.secrets import SecretRef

ENQUEUE = "POST /v2/enqueue"
WAYS = [
    ("429", Temporary, Temporary, 0),
    ("500", Uncertain, Temporary, 0),
    ("502", Uncertain, Temporary, 0),
    ("503", Uncertain, Temporary, 0),
    ("504", Uncertain, Temporary, 0),
    ("reset", Uncertain, Temporary, 0),
    ("timeout_before", Uncertain, Temporary, 0),
    ("timeout_after", Uncertain, Temporary, 1),
    ("close_after", Uncertain, Temporary, 1),
    ("error:bad", Refused, Refused, 0),
]


@pytest.mark.parametrize(("mode", "write", "read", "count"), WAYS)
async def test_every_failure_of_an_event_is_sorted_on_time_and_sent_once(
    pagerduty: PagerDuty, sb: SandboxClient, ending: Any, effects: Any, mode: str, write: type, read: type, count: int
) -> None:
    await sb.fail("pagerduty", ENQUEUE, mode)
    started = time.monotonic()
    error = await ending(pagerduty.trigger("INC-1", "checkout is down"))
    assert isinstance(error, write) and "PagerDuty" in str(error)
    assert "()" not in str(error) and (write is not Refused or "400 bad" in str(error))
    assert time.monotonic() - started < 20  # pdpyras alone sleeps 3, 6, 12 ... seconds (contract C4)
    assert len(await sb.calls("pagerduty", ENQUEUE)) == 1
    assert await effects("pagerduty", ENQUEUE) == count


@pytest.mark.parametrize(("mode", "write", "read", "count"), WAYS)
async def test_a_failing_read_is_temporary_unless_refused(
    pagerduty: PagerDuty, sb: SandboxClient, ending: Any, mode: str, write: type, read: type, count: int
) -> None:
    await sb.fail("pagerduty", "*", mode)
    assert isinstance(await ending(pagerduty.incident_by_key("INC-1")), read)


async def test_a_429_carries_the_seconds_pagerduty_gave(pagerduty: PagerDuty, sb: SandboxClient) -> None:
    await sb.fail("pagerduty", ENQUEUE, "429", retry_after=17)
    with pytest.raises(Temporary) as limited:
        await pagerduty.trigger("INC-1", "x")
    assert limited.value.retry_after == 17


async def test_nobody_listening_is_temporary(closed_port: int, ending: Any) -> None:
    url = f"http://127.0.0.1:{closed_port}"
    pagerduty = PagerDuty("key", routing_key="r" * 32, api_url=url, events_url=url)
    for call in (pagerduty.trigger("INC-1", "x"), pagerduty.incident_by_key("INC-1")):
        error = await ending(call)
        assert isinstance(error, Temporary) and "nothing was done" in error.message
    await pagerduty.close()


async def test_bad_keys_name_the_variable_and_show_no_key(env: dict[str, str], ending: Any) -> None:
    pagerduty = PagerDuty("wrong-secret-key", routing_key="short", api_url=env["PAGERDUTY_API_URL"],
                          events_url=env["PAGERDUTY_EVENTS_URL"])  # fmt: skip
    error = await ending(pagerduty.incident_by_key("INC-1"))
    assert isinstance(error, ServiceRefused) and error.code == "401" and "PAGERDUTY_API_KEY" in error.todo
    assert "secret-key" not in str(error)
    error = await ending(pagerduty.trigger("INC-1", "x"))
    assert isinstance(error, ServiceRefused) and "routing_key" in error.message
    await pagerduty.close()


async def test_without_keys_it_is_not_configured(env: dict[str, str], ending: Any) -> None:
    pagerduty = PagerDuty("", events_url=env["PAGERDUTY_EVENTS_URL"])
    for call in (pagerduty.incident_by_key("x"), pagerduty.trigger("x", "y"), pagerduty.page_person("P", "x", key="k")):
        assert isinstance(await ending(call), NotConfigured)
    await pagerduty.close()


async def test_one_key_is_one_incident_from_trigger_to_resolve(
    pagerduty: PagerDuty, sb: SandboxClient, settled: Any
) -> None:
    assert await pagerduty.incident_by_key("INC-1") is None
    await pagerduty.trigger("INC-1", "checkout is down", details={"a": 1}, link="https://example.com/c", link_text="C")
    await pagerduty.trigger("INC-1", "checkout is down")
    found = await settled(lambda: pagerduty.incident_by_key("INC-1"))
    assert (found.status, found.key, found.service, found.assigned) == (
        "triggered", "INC-1", "Payments primary", ("Ben",),
    )  # fmt: skip
    assert found.open and found.created_at is not None and found.url.startswith("https://")
    assert await pagerduty.incident(found.id) == found
    assert (await sb.calls("pagerduty", ENQUEUE))[0]["arguments"]["links"][0]["text"] == "C"
    await pagerduty.acknowledge("INC-1")

    async def is_now(status: str) -> bool:
        one = await pagerduty.incident_by_key("INC-1")
        return one is not None and one.status == status

    await settled(lambda: is_now("acknowledged"))
    await pagerduty.note(found.id, "failing over")
    await pagerduty.resolve("INC-1")
    await settled(lambda: is_now("resolved"))
    assert len((await sb.pagerduty())["incidents"]) == 1


async def test_a_routing_key_by_reference_is_revealed_only_on_the_wire(
    pagerduty: PagerDuty, env: dict[str, str], monkeypatch: pytest.MonkeyPatch, ending: Any, settled: Any
) -> None:
    missing = await ending(pagerduty.trigger("INC-2", "x", routing_key=SecretRef("env://TEAM_KEY")))
    assert isinstance(missing, Refused) and "TEAM_KEY" in missing.message
    monkeypatch.setenv("TEAM_KEY", env["PAGERDUTY_ROUTING_KEY"])
    await pagerduty.trigger("INC-2", "x", routing_key=SecretRef("env://TEAM_KEY"))
    assert await settled(lambda: pagerduty.incident_by_key("INC-2"))


async def test_who_is_on_call_and_who_has_this_email(pagerduty: PagerDuty) -> None:
    oncalls = await pagerduty.oncalls(policies=["PPOLPAY"])
    assert [(one.user.name, one.level, one.policy) for one in oncalls] == [
        ("Ben", 1, "Payments"),
        ("Chi", 2, "Payments"),
    ]
    ben = await pagerduty.user_by_email("BEN@example.com")
    assert ben is not None and ben.id == "PUSRBEN"
    assert await pagerduty.user_by_email("en@example.com") is None  # a fuzzy hit is no hit (contract C2)


async def test_paging_a_person_twice_with_one_key_gives_the_first_incident(
    pagerduty: PagerDuty, sb: SandboxClient, ending: Any
) -> None:
    first = await pagerduty.page_person("PUSRCHI", "approve", key="INC-1-2/PUSRCHI")
    again = await pagerduty.page_person("PUSRCHI", "approve", key="INC-1-2/PUSRCHI")
    assert first.id == again.id
    asked = (await sb.calls("pagerduty", "POST /incidents"))[0]["arguments"]["body"]["incident"]
    assert asked["assignments"] == [{"assignee": {"id": "PUSRCHI", "type": "user_reference"}}]
    await sb.fail("pagerduty", "POST /incidents", "timeout_after")
    assert isinstance(await ending(pagerduty.page_person("PUSRBEN", "approve", key="k3")), Uncertain)
    assert (await pagerduty.page_person("PUSRBEN", "approve", key="k3")).key == "k3"
    assert len((await sb.pagerduty())["incidents"]) == 2


def test_importing_it_is_quiet() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert PagerDutyReads.vendor == "PagerDuty" and not PagerDutyReads.acting and PagerDuty.acting
