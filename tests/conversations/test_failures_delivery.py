"""Answers and cards while Slack fails: another route, later, or put right once; and everything delivered twice."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from storage.tables import inbox

EXAMPLE = Path(__file__).parents[2] / "muster.example.yaml"
SQLITE = pytest.mark.parametrize("url", ["sqlite"], indirect=True)
POSTGRESQL = pytest.mark.parametrize("url", ["postgresql"], indirect=True)
LIST = "/incident list"


async def faulted(town: Any, method: str) -> int:
    """How many calls of this name failed as planned."""
    return len([c for c in await town.sb.calls("slack", method) if c["fault"]])


async def heard(town: Any, where: str, user: str = "U0ANA") -> list[str]:
    """What only this person sees there, or all of a direct conversation."""
    direct = where.startswith("@")
    return [m.plain for m in await town.sb.messages(where, user) if direct or m.ephemeral_for == user]


@SQLITE
@pytest.mark.parametrize("mode", ["error:expired_url", "error:used_url", "429", "503"])
async def test_without_its_response_url_an_answer_is_ephemeral(town: Any, muster: Any, mode: str) -> None:
    """Refused or busy: the next route. 503 may have arrived, so the same route is asked again later, never both."""
    await town.sb.fail("slack", "response_url", mode, times=1, retry_after=5)
    await town.says("U0ANA", "#general", LIST, "no")
    said = await heard(town, "#general")
    assert len(said) == 1, "said once"
    by = await town.sb.calls("slack", "chat.postEphemeral")
    assert len(by) == (0 if mode == "503" else 1)


@SQLITE
async def test_without_both_it_is_a_direct_message(town: Any, muster: Any) -> None:
    await town.sb.fail("slack", "response_url", "error:expired_url", times=-1)
    await town.sb.fail("slack", "chat.postEphemeral", "error:user_not_in_channel", times=-1)
    await town.sb.type("U0ANA", "#general", LIST)
    await town.sb.wait_for("@U0ANA", lambda m: "incident" in m.plain.lower(), as_user="U0ANA")
    assert len(await heard(town, "@U0ANA")) == 1
    assert not await heard(town, "#general")


@SQLITE
async def test_a_response_url_older_than_its_life_is_not_needed(town: Any, muster: Any) -> None:
    """Slack was away for half an hour after the command: the answer still arrives, by another route."""
    for method in ("response_url", "chat.postEphemeral", "conversations.open", "chat.postMessage"):
        await town.sb.fail("slack", method, "503", times=-1)
    await town.sb.type("U0ANA", "#general", LIST)
    await town.sb.wait_until(lambda: _tried(town))
    await town.sb.age(3600)
    await town.sb.clear_faults("slack")
    await town.sb.wait_for("#general", lambda m: m.ephemeral_for == "U0ANA", as_user="U0ANA", timeout=60)


async def _tried(town: Any) -> bool:
    return await faulted(town, "response_url") >= 1


@SQLITE
async def test_a_throttled_update_waits_as_long_as_slack_says_and_shows_the_last_state(town: Any, muster: Any) -> None:
    channel = await town.declared()
    await asyncio.wait_for(_still(town), 60)
    await town.sb.fail("slack", "chat.update", "429", times=1, retry_after=3)
    seen = len(await town.sb.calls("slack", "chat.update"))
    await town.says("U0BEN", channel, "/incident role commander me", "Incident commander")
    await town.says("U0BEN", channel, "/incident sev sev2 search still works", "sev2")
    board = await town.sb.wait_for(
        channel, lambda m: m.button("Resolve") and "Ben" in m.plain and "sev2" in m.plain, timeout=30
    )
    assert board.edited
    refused = [c for c in (await town.sb.calls("slack", "chat.update"))[seen:] if c["fault"]]
    assert len(refused) == 1
    later = [c for c in (await town.sb.calls("slack", "chat.update"))[seen:] if not c["fault"]]
    same = [c for c in later if c["arguments"].get("ts") == refused[0]["arguments"].get("ts")]
    assert min(c["monotonic"] for c in same) - refused[0]["monotonic"] >= 2.9, "Retry-After is honoured"
    assert len([m for m in await town.sb.messages(channel) if m.button("Resolve")]) == 1


async def _still(town: Any) -> None:
    """Until no card has moved for a second and a half: what the declare drew is drawn."""
    seen = -1
    while seen != (seen := len(await town.sb.calls("slack", "chat.update"))):
        await asyncio.sleep(1.5)


async def test_a_command_delivered_twice_has_one_effect(town: Any, muster: Any) -> None:
    """On both databases: at the same moment, and again later, under Slack's own id."""
    kind = "slash_commands"
    await town.sb.fail("delivery", kind, "duplicate_delivery")
    channel = await town.declared()
    first = (await town.sb.deliveries(kind))[0]
    assert (await town.sb.redeliver(first["id"])).acked
    noted = await town.says("U0ANA", channel, "/incident note proxy restarted", "Noted")
    note = next(d for d in await town.sb.deliveries(kind) if "proxy" in str(d["payload"]))
    assert (await town.sb.redeliver(note["id"])).acked
    await town.says("U0ANA", "#general", LIST, "INC-1")
    assert len(await town.events("INC-1", "incident.note")) == 1
    assert len([c for c in await town.sb.channels() if c["name"].startswith("inc-")]) == 1
    assert len((await town.sb.pagerduty())["incidents"]) == 1
    assert [m for m in await heard(town, channel) if m == noted.plain] == [noted.plain], "answered once"


@SQLITE
async def test_a_press_delivered_twice_has_one_effect(town: Any, muster: Any) -> None:
    channel = await town.declared()
    board = await town.sb.wait_for(channel, lambda m: m.button("Take command") is not None)
    await town.sb.fail("delivery", "*", "duplicate_delivery")
    await town.sb.click("U0BEN", channel, "Take command", ts=board.ts)
    await town.sb.wait_for(channel, lambda m: m.button("Resolve") and "Ben" in m.plain)
    (press,) = [d for d in await town.sb.deliveries("interactive") if not d.get("copy_of")][:1]
    assert (await town.sb.redeliver(press["id"])).acked
    await town.says("U0ANA", "#general", LIST, "INC-1")
    assert len(await town.events("INC-1", "incident.role")) == 1


@SQLITE
async def test_a_mention_delivered_twice_is_answered_once(town: Any, muster: Any) -> None:
    await town.sb.fail("delivery", "events_api", "duplicate_delivery", times=-1)
    await town.sb.type("U0ANA", "#general", "<@U0MUSTER> incident list")
    await town.sb.wait_for("#general", lambda m: m.ephemeral_for == "U0ANA", as_user="U0ANA")
    await town.says("U0BEN", "#general", LIST, "")
    assert len(await heard(town, "#general")) == 1


async def test_a_webhook_delivered_twice_acknowledges_once(town: Any, muster: Any) -> None:
    """On both databases: PagerDuty says it twice at once, and again later."""
    channel = await town.declared()
    await town.sb.fail("delivery", "pagerduty", "duplicate_delivery", times=-1)
    await town.sb.acknowledge("muster/INC-1", "ben@example.com")
    await town.sb.wait_for(channel, lambda m: "acknowledged" in m.plain and "Ben" in m.plain)
    hooks = [h for h in (await town.sb.pagerduty())["webhooks"] if h["event_type"] == "incident.acknowledged"]
    assert await town.sb.webhook_again(hooks[0]["id"]) in (200, 202)
    await town.says("U0ANA", "#general", LIST, "INC-1")
    assert len(await town.events("INC-1", "incident.acknowledged")) == 1
    assert await town.sb.webhook_again(hooks[0]["id"], secret="forged") == 401


@POSTGRESQL
async def test_slack_away_for_a_while_loses_nothing_and_doubles_nothing(town: Any) -> None:
    """Everything typed meanwhile was acknowledged: it is done, answered, and each card is brought up to date once."""
    await town.muster(muster_read_timeout=3.0)
    channel = await town.declared()
    await asyncio.wait_for(_still(town), 60)
    await town.sb.fail("slack", "*", "503", times=-1)
    for number in range(3):
        assert (await town.sb.type("U0BEN", channel, f"/incident note number {number}")).acked
    assert (await town.sb.type("U0BEN", channel, "/incident role commander me")).acked
    await town.sb.wait_until(lambda: _noted(town, 3))
    await town.sb.wait_until(lambda: _cards_tried(town))
    before = len(await town.sb.calls("slack"))
    await town.sb.clear_faults("slack")
    await town.sb.wait_for(channel, lambda m: m.button("Resolve") and "Ben" in m.plain, timeout=60)

    async def answered() -> bool:
        said = await heard(town, channel, "U0BEN")
        return len([one for one in said if "Noted" in one]) == 3 and any("Incident commander" in one for one in said)

    await town.sb.wait_until(answered, timeout=30)
    boards = [m for m in await town.sb.messages(channel) if m.button("Resolve")]
    assert len(boards) == 1
    since = [c for c in (await town.sb.calls("slack", "chat.update")) if c["number"] > before and not c["fault"]]
    drawn = [c for c in since if c["arguments"].get("ts") == boards[0].ts]
    assert 1 <= len(drawn) <= 2, "brought up to date, not replayed change by change"
    await town.proven()


async def _noted(town: Any, count: int) -> bool:
    return len(await town.events("INC-1", "incident.note")) == count


async def _cards_tried(town: Any) -> bool:
    return await faulted(town, "chat.update") >= 1


@SQLITE
async def test_what_was_acknowledged_survives_a_stop(town: Any) -> None:
    """Typed in the last moment of one process, handled and answered by the next."""
    app = await town.muster()
    channel = await town.declared()
    await town.sb.fail("slack", "*", "503", times=-1)
    acks = await town.sb.type_many([("U0BEN", channel, f"/incident note last words {n}") for n in range(5)])
    assert all(ack.acked for ack in acks)
    await app.stop()
    town.apps.remove(app)
    await town.sb.clear_faults("slack")
    await town.muster(replica="two")

    async def answered() -> bool:
        return len([one for one in await heard(town, channel, "U0BEN") if "Noted" in one]) == 5

    await town.sb.wait_until(answered, timeout=60)
    assert len(await town.events("INC-1", "incident.note")) == 5
    for delivery in await town.sb.deliveries("slash_commands"):
        asked = select(inbox.c.state).where(inbox.c.key == delivery["payload"]["trigger_id"])
        assert await town.read(lambda tx, query=asked: tx.conn.execute(query).scalar_one()) == "done"
