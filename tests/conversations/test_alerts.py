"""Alerts come in: a storm is one card, people declare it, join it or dismiss it, and PagerDuty hears of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from storage import incidents
from storage.tables import inbox
from tests.conversations.conftest import POLICY, Town

ANA, BEN = "U0ANA", "U0BEN"
BEGAN = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=4)


pytestmark = pytest.mark.parametrize("url", ["sqlite"], indirect=True)


def alert(name: str, *, status: str = "firing", at: datetime = BEGAN, **labels: str) -> dict[str, Any]:
    return {"labels": {"alertname": name, **labels}, "annotations": {"summary": "checkout answers 503"},
            "status": status, "startsAt": at.isoformat()}  # fmt: skip


async def card(town: Town, words: str) -> Any:
    return await town.sb.wait_for("#incidents", lambda m: words in m.plain and m.metadata is not None)


async def heard(town: Town) -> None:
    """Every webhook that was stored is handled."""
    worker = town.apps[0].worker

    async def idle() -> bool:
        left = select(func.count()).select_from(inbox).where(inbox.c.state.in_(("received", "claimed")))
        worker.wake()
        return await town.read(lambda tx: tx.conn.execute(left).scalar_one()) == 0

    await town.sb.wait_until(idle)


async def test_a_storm_is_one_card_that_becomes_an_incident(town: Town) -> None:
    await town.muster()
    sb = town.sb
    assert await sb.alert(alert("Down", service="checkout"), token="somebody else's") == 401
    storm = [alert("Down", service="checkout", severity="critical", pod=f"p{n}") for n in range(500)]
    for start in range(0, 500, 100):  # five calls at once, and each of them again
        assert await sb.alert(*storm[start : start + 100], group=f"g{start}") == 202
        assert await sb.alert(*storm[start : start + 100], group=f"g{start}") == 202
    await heard(town)
    shown = await card(town, "500 firing")
    assert "T-1" in shown.plain and "Checkout" in shown.plain and "sev1" in shown.plain
    assert "https://prometheus.example.com/graph" in str(shown.blocks)
    assert len([m for m in await sb.messages("#incidents") if "T-" in m.plain]) == 1

    await sb.page("checkout is slow", "monitor/checkout")  # the same service, by another way
    shown = await card(town, "501 firing")
    await town.sb.click(ANA, "#incidents", "Declare", ts=shown.ts)
    (view,) = await sb.wait_until(lambda: sb.views(ANA))
    assert "checkout answers 503" in str(view.raw) and "sev1: " in view.plain
    await sb.submit(ANA, {"title": "checkout is down"})
    room = (await sb.find_channel("inc-1"))["name"]
    board = await sb.wait_for(room, lambda m: m.button("Resolve") is not None)
    assert "checkout" in board.plain
    await card(town, "*INC-1* (investigating)")
    found = await town.read(lambda tx: incidents.get(tx, "INC-1"))
    assert found.service == "checkout" and found.detected_at == BEGAN
    (joined,) = await town.events("INC-1", "alert.joined")
    assert joined.body["firing"] >= 500 and "checkout" not in str(joined.body) and joined.text("url")

    over = [alert("Down", status="resolved", service="checkout", severity="critical", pod=f"p{n}") for n in range(500)]
    assert await sb.alert(*over) == 202
    assert await sb.alert(*storm, group="late") == 202  # what was on its way is overtaken
    await card(town, "1 firing, 500 resolved")
    assert (await town.read(lambda tx: incidents.get(tx, "INC-1"))).open
    pages = (await sb.pagerduty())["incidents"]
    assert {one["incident_key"]: one["status"] for one in pages}["monitor/checkout"] == "acknowledged"
    await town.proven()


async def test_pagerduty_is_told_and_people_join_dismiss_or_are_refused(town: Town) -> None:
    await town.muster()
    sb = town.sb
    page = await sb.page("disk is full on db-3", "monitor/disk")
    shown = await card(town, "disk is full on db-3")
    said = await town.says(ANA, "#general", "/incident triage", "T-1")
    assert "1 firing" in said.plain and "pagerduty" in said.plain
    await town.says(ANA, "#general", "/incident triage T-9", "There are no alerts *T-9*")
    await town.says(ANA, "#general", "/incident triage T-1 join", "Which incident?")
    await town.declared()
    await town.says(ANA, "#general", "/incident triage T-1 join INC-1", "*T-1* belongs to *INC-1* now")

    async def acknowledged() -> bool:
        pages = (await sb.pagerduty())["incidents"]
        return next(one for one in pages if one["id"] == page["id"])["status"] == "acknowledged"

    await sb.wait_until(acknowledged)
    await card(town, "*INC-1* (investigating)")
    await town.says(BEN, "#general", "/incident triage T-1 dismiss", "belongs to INC-1 already")
    assert (await sb.messages("#incidents"))[0].ts and not (await sb.wait_for("#incidents", "T-1")).buttons
    assert shown.button("Declare") is not None
    await sb.resolve_page(page["id"], BEN)
    await sb.wait_until(lambda: town.events("INC-1", "alert.resolved"))
    assert (await town.read(lambda tx: incidents.get(tx, "INC-1"))).open

    body = {
        "key": "queue",
        "title": "the mail queue is long",
        "url": "https://shop.example.com/q",
        "at": "2026-01-01T00:00:00Z",
    }
    assert await sb.hook(body, secret="wrong") == 401
    assert await sb.hook(body, shift=-400) == 401
    assert await sb.hook(body, name="nobody") == 401
    assert await sb.hook({"title": "no key"}) == 400
    assert await sb.hook(body) == 202
    other = await card(town, "the mail queue is long")
    await sb.click(BEN, "#incidents", "Dismiss", ts=other.ts)
    await card(town, "*dismissed*")
    assert await sb.hook(body) == 202
    assert await sb.hook(body | {"at": "2026-01-02T00:00:00Z"}) == 202  # it fires anew
    await card(town, "T-3")
    over = alert("Flap", status="resolved", pod="f")
    for one in (over, alert("Flap", pod="f")):  # its end overtook its beginning: there is nothing to decide
        assert await sb.alert(one) == 202
        await heard(town)
    assert await sb.alert(alert("Flap", pod="f", at=BEGAN + timedelta(minutes=1)), group="anew") == 202  # it fires anew
    await heard(town)
    await card(town, "Flap")
    assert len(await town.events("org", "triage.opened")) == 4
    await town.proven()


async def test_alerts_open_by_themselves_only_where_policy_labels_them(town: Town) -> None:
    text = POLICY.read_text(encoding="utf-8").replace("most_per_hour: 3", "most_per_hour: 1")
    policy = town.folder / "muster.yaml"
    policy.write_text(text, encoding="utf-8")
    await town.muster(policy=policy)
    assert await town.sb.alert(alert("Down", muster="declare", service="checkout"), group="a") == 202
    await town.sb.find_channel("inc-1")
    await card(town, "by itself (policy")
    for name, group in (("Other", "b"), ("Third", "c")):
        assert await town.sb.alert(alert(name, muster="declare"), group=group) == 202
    await card(town, "1 did within the hour")
    found = await town.read(incidents.open_ones)
    assert [(one.id, one.severity, one.declared_by) for one in found] == [("INC-1", "sev1", "muster")]
    await town.proven()
