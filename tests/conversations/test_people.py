"""The people of an incident: called, escalated, acknowledged, given tasks and roles, relieved, told, brought together.

One town for all of it: what is typed and pressed, what the channel, the timeline and the outside then show; what is
refused, and to whom; what is said when PagerDuty or Slack does not take it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bot.sandbox.client import Message
from storage import runs
from tests.conversations.conftest import POLICY, Town

ANA, BEN, CHI, DOV, EVE = "U0ANA", "U0BEN", "U0CHI", "U0DOV", "U0EVE"


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
async def test_the_people_of_an_incident(town: Town, tmp_path: Path) -> None:
    policy = tmp_path / "people.yaml"
    words = POLICY.read_text(encoding="utf-8")
    words = words.replace("  declare: everyone\n", "  declare: [sre, comms]\n", 1)
    words = words.replace("archive_after: 7d ", "archive_after: 1s ", 1)
    assert "declare: [sre, comms]" in words and "archive_after: 1s" in words
    policy.write_text(words, encoding="utf-8")
    await town.muster(policy=policy)
    sb = town.sb
    await _says(town, BEN, "#general", "/incident list", "Nothing is open")
    await sb.type(BEN, "#general", "/incident declare sev1 checkout is down service=checkout")
    room = f"#{(await sb.find_channel('inc-'))['name']}"
    await sb.wait_for(room, lambda m: m.button("Resolve") is not None)
    await _ended(town, "INC-1", "declare/default")

    await _called(town, room)
    await _refused(town, room)
    await _tasks(town, room)
    await _relieved(town, room)
    await _together(town, room)
    await _closed(town, room)
    await town.proven()


async def _called(town: Town, room: str) -> None:
    """Somebody is paged, the page is escalated and acknowledged; PagerDuty refuses once, and the telephone is named."""
    sb = town.sb
    await _says(town, BEN, room, f"/incident page <@{CHI}|chi> the database will not come up", "Paging Chi for INC-1")
    await _ended(town, "INC-1", "comms/page")
    pages = (await sb.pagerduty())["incidents"]
    (mine,) = [page for page in pages if page["incident_key"] != "muster/INC-1"]
    assert "Ben asks for you in INC-1 · sev1 · checkout is down" in mine["title"]
    await sb.wait_for(f"@{CHI}", lambda m: "the database will not come up" in _plain(m))
    assert CHI in (await sb.find_channel(room.removeprefix("#")))["members"]

    await _says(town, BEN, room, "/incident escalate nobody answers", "to layer 2")
    await _ended(town, "INC-1", "comms/escalate")
    (first,) = [page for page in (await sb.pagerduty())["incidents"] if page["incident_key"] == "muster/INC-1"]
    assert [one["assignee"]["summary"] for one in first["assignments"]] == ["Chi"]
    await _says(town, CHI, room, "/incident ack", "acknowledged by Chi")
    await _ended(town, "INC-1", "comms/acknowledge")
    (first,) = [page for page in (await sb.pagerduty())["incidents"] if page["incident_key"] == "muster/INC-1"]
    assert first["status"] == "acknowledged"
    assert [one.body["source"] for one in await town.events("INC-1", "incident.acknowledged")][:1] == ["slack"]

    now = await _says(town, BEN, room, "/incident oncall", "1. ")
    assert "Payments" in _plain(now) and "+1-555-0199" in _plain(now)
    await sb.fail("pagerduty", "GET /oncalls", "500", times=-1)
    await _says(town, BEN, room, "/incident oncall", "PagerDuty does not say now")
    await sb.clear_faults()
    await sb.fail("pagerduty", "POST /incidents", "error:forbidden", times=-1)
    await sb.type(BEN, room, f"/incident page <@{BEN}|ben> once more")
    await sb.wait_for(room, lambda m: "Call the on-call: +1-555-0199" in _plain(m) and "Page" in _plain(m), as_user=BEN,
                      timeout=30)  # fmt: skip
    await sb.clear_faults()


async def _refused(town: Town, room: str) -> None:
    """Who may not, is told who can; what is not there, what is."""
    for line in ("page @sre help", "escalate", "ack", "task look", "merge INC-2", "close", "reopen it", "private x"):
        no = await _says(town, EVE, room, f"/incident {line}", "Nothing was done")
        assert "is for" in _plain(no) and "@sre" in _plain(no), line
    await _says(town, BEN, room, "/incident page @srre", "Did you mean sre?")
    await _says(town, BEN, room, "/incident merge INC-9", "There is no INC-9")
    await _says(town, BEN, room, "/incident close", "has not ended")


async def _tasks(town: Town, room: str) -> None:
    """Given with a form, shown on the board, done by the button in the message of whoever has it."""
    sb = town.sb
    await sb.type(BEN, room, "/incident task")
    view = await sb.wait_until(lambda: _view(town, BEN))
    await sb.submit(BEN, {"owner": CHI, "due": "1s", "what": "check the replica"}, view_id=view.id)
    await sb.wait_for(room, lambda m: "To do: 1 check the replica (Chi" in _plain(m), timeout=60)
    given = await sb.wait_for(f"@{CHI}", lambda m: "Ben asks you for this" in _plain(m))
    due = await sb.wait_for(f"@{CHI}", lambda m: "this is due" in _plain(m), timeout=60)
    assert due.button("Snooze 30m") is not None and given.button("Done") is not None
    await sb.click(CHI, f"@{CHI}", "Done", ts=due.ts)
    await sb.wait_for(f"@{CHI}", lambda m: "done by Chi" in _plain(m), timeout=60)
    assert [event.type for event in await town.events("INC-1", "todo.added", "todo.done")] == [
        "todo.added",
        "todo.done",
    ]


async def _relieved(town: Town, room: str) -> None:
    """Command is claimed by button, handed over with a note, and whoever comes late reads where things stand."""
    sb = town.sb
    board = await sb.wait_for(room, lambda m: m.button("Take command") is not None)
    await town.presses(BEN, room, "Take command", board, "*Ben* is *Incident commander*")
    await _says(town, EVE, room, "/incident subscribe", "You are told when INC-1 changes")
    await _says(
        town, BEN, room, f"/incident shift <@{DOV}|dov> the bank calls back at six", "Dov is Incident commander now"
    )
    await sb.wait_for(f"@{DOV}", lambda m: "the bank calls back at six" in _plain(m) and "Told to people" in _plain(m))
    late = await _says(town, EVE, room, "/incident catchup", "Incident commander Dov")
    assert "Dov is commander: the bank calls back at six" in _plain(late)
    await _says(town, BEN, room, "/incident link https://grafana.example.com/d/1 the dashboard", "is on INC-1")
    await sb.wait_for(room, lambda m: "the dashboard" in _plain(m) and m.button("Resolve") is not None, timeout=60)


async def _together(town: Town, room: str) -> None:
    """A duplicate ends pointing here: its page is resolved, its channel says where to go, its people are here."""
    sb = town.sb
    await sb.type(DOV, "#general", "/incident declare sev2 payments fail service=checkout")
    other = f"#{(await sb.find_channel('inc-2'))['name']}"
    await sb.wait_for(other, lambda m: m.button("Resolve") is not None)
    await _ended(town, "INC-2", "declare/default")
    await _named(town, room)
    await _ended(town, "INC-2", "cancel/default")
    await sb.wait_for(other, lambda m: "Cancelled: the same as INC-1; go on in" in _plain(m))
    await sb.wait_for(f"@{DOV}", lambda m: "Ben found INC-2 to be the same as INC-1" in _plain(m))
    (page,) = [one for one in (await sb.pagerduty())["incidents"] if one["incident_key"] == "muster/INC-2"]
    assert page["status"] == "resolved"


async def _named(town: Town, room: str) -> None:
    """Alone, what names another incident opens a form with those there are; what cannot be taken back asks once."""
    sb = town.sb
    for verb, field, offered in (
        ("parent", "parent", ["INC-2 · sev2 · payments fail"]),
        ("snooze", "subject", ["update"]),
        ("private", "reason", []),
        ("merge", "duplicate", ["INC-2 · sev2 · payments fail"]),
    ):
        await sb.type(BEN, room, f"/incident {verb}")
        (view,) = await sb.wait_until(lambda: sb.views(BEN))
        (element,) = [one["element"] for one in view.blocks if one.get("block_id") == f"field.{field}"]
        listed = [one["text"]["text"] for one in element.get("options", [])]
        assert set(offered) <= set(listed) and not any(one.startswith("INC-1 ") for one in listed)
        if verb != "merge":
            await sb.close_view(BEN, view.id)
    await sb.submit(BEN, {"duplicate": "INC-2"}, view_id=view.id)
    await sb.wait_for(room, lambda m: "ended as a duplicate of INC-1" in _plain(m), as_user=BEN)
    assert not await town.events("INC-1", "incident.private")


async def _closed(town: Town, room: str) -> None:
    """Resolved, back again and paged anew, resolved for good; closed, and its channel archived after the policy's time."""
    sb = town.sb
    await _says(town, BEN, room, "/incident resolve it was an index", "INC-1 resolved")
    await sb.wait_for(f"@{EVE}", lambda m: "It is resolved now" in _plain(m) and "it was an index" in _plain(m))
    await _ended(town, "INC-1", "resolve/default")
    await _ended(town, "INC-1", "comms/approvers-answered")
    assert {one["status"] for one in (await sb.pagerduty())["incidents"]} == {"resolved"}, "nobody's phone rings on"
    await _says(town, BEN, room, "/incident reopen errors are back", "is open again")
    await _ended(town, "INC-1", "sev/raise")

    async def again() -> bool:
        mine = [one for one in (await sb.pagerduty())["incidents"] if one["incident_key"] == "muster/INC-1"]
        return [one["status"] for one in mine] == ["resolved", "triggered"]

    await sb.wait_until(again, timeout=60)  # the on-call is called again, once
    await _says(town, BEN, room, "/incident resolve it was the other index", "INC-1 resolved")
    await _says(town, BEN, room, "/incident close", "INC-1 is closed")

    async def archived() -> Any:
        found = [one for one in await sb.channels() if f"#{one['name']}" == room]
        return found and found[0]["is_archived"]

    await sb.wait_until(archived, timeout=30)


async def _ended(town: Town, incident: str, playbook: str) -> None:
    """Wait until the last run of this playbook there has succeeded."""

    async def look() -> bool:
        mine = [run for run in await town.read(lambda tx: runs.of_incident(tx, incident)) if run.playbook == playbook]
        return bool(mine) and mine[-1].state == "succeeded"

    await town.sb.wait_until(look, timeout=30)


async def _view(town: Town, user: str) -> Any:
    return next(iter(await town.sb.views(user)), None)


def _plain(message: Message) -> str:
    """Without what makes it bold or slanted."""
    return message.plain.replace("*", "").replace("`", "")


async def _says(town: Town, user: str, channel: str, line: str, wanted: str) -> Message:
    """Type a line; the answer that says this."""
    return await town.says(user, channel, line, lambda m: wanted in _plain(m))
