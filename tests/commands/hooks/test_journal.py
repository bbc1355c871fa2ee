"""A declare of the journal becomes one incident: its page's key, its times, its lines; whatever happened in between."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.importing import ask_of
from storage import cards, inbox, incidents, replies, runs, verify
from storage.inbox import Ask
from storage.journal import Journal

LINE = "incident declare sev1 checkout is down service=checkout"
PAGE, TELL = {"key": "muster/blind/1"}, {"key": "t1", "channel": "CANN"}
FOUND = {"found": True, "id": "Q1", "url": "https://pd.example/Q1", "status": "triggered"}


def typed(line: str = LINE, key: str = "trigger-1") -> Ask:
    return Ask(key, "command", line, "slack", "T1/UANA", "slack", team="T1", channel="CTOWN")


def blind(folder: Path, *lines: tuple[str, dict[str, Any]], asked: Ask | None = None, page: Any = None) -> Ask:
    """The import's ask for a declare with these lines after its first."""
    ask = asked or typed()
    journal = Journal(folder / "journal.jsonl", "one", "boot")
    kept = {
        name: value for name, value in ask.__dict__.items() if name not in ("response_url", "received_at", "attempts")
    }
    kept.pop("codes", None)
    journal.write("declared", ask.key, {"ask": kept})
    for type, body in lines:
        journal.write(type, ask.key, body)
    (one,) = [one for one in journal.declares() if one.id == ask.key]
    return ask_of(one, page or {})


DONE = (("page.started", PAGE), ("page.done", PAGE), ("tell.started", TELL), ("tell.done", {**TELL, "ts": "1.0"}))


async def facts(talk: Any, id: str = "INC-1") -> dict[str, Any]:
    return dict((await talk.incident(id)).facts)


async def test_it_becomes_one_incident_with_its_own_times(talk: Any, tmp_path: Path) -> None:
    ask = blind(tmp_path, *DONE, page=FOUND)
    await asyncio.sleep(0.01)
    reply = await talk.stored(ask)
    assert reply.ok and reply.text.startswith("✅ The database is back: what you declared blind at ")
    assert "paged already: *Payments primary*" in reply.text
    assert await talk.stored(ask) is None, "a second import has no effect"
    found = await talk.incident("INC-1")
    assert found.facts == {
        "page_key": "muster/blind/1", "page": "Q1", "page_url": "https://pd.example/Q1", "paged_blind": "open",
    }  # fmt: skip
    events = await talk.events("INC-1")
    assert [event.type for event in events] == [
        "incident.declared", "run.requested", "journal.imported", *["journal.effect"] * 4, "run.requested",
    ]  # fmt: skip
    first = events[0]
    assert first.body["imported"] and first.source_at == found.declared_at < first.at and found.channel is None
    assert all(event.source_at and event.source_at <= event.at for event in events if event.type.startswith("journal"))

    def look(tx: Any) -> None:
        card = cards.get(tx, "announcement", "INC-1")
        assert card and (card.state, card.channel, card.posting_key) == ("posting", "CANN", "t1")
        names = [run.playbook for run in runs.of_incident(tx, "INC-1")]
        assert names == ["declare/default", "declare/imported"]
        assert len(incidents.latest(tx, limit=9)) == 1
        (answer,) = replies.for_ask(tx, ask.key)
        assert answer["body"]["data"] == {"incident": "INC-1"}
        assert all(one.ok for one in verify.check_database(tx))

    await talk.read(look)


@pytest.mark.parametrize(
    ("lines", "page", "wanted"),
    [
        (DONE[:2], {}, {"page_key": "muster/blind/1", "paged_blind": "open"}),
        (DONE[:2], {"found": False}, {"page_key": "muster/blind/1"}),
        (DONE[:1], {}, {"page_key": "muster/blind/1"}),
        (DONE[:1], FOUND, {"page_key": "muster/blind/1", "page": "Q1", "paged_blind": "open"}),
        (
            DONE[:1],
            {**FOUND, "status": "resolved"},
            {"page_key": "muster/blind/1", "page": "Q1", "paged_blind": "closed"},
        ),
        ((DONE[0], ("page.failed", {**PAGE, "error": "403"})), {}, {}),
        ((), {}, {}),
    ],
    ids=["done", "done but not there", "died, not looked", "died, rang", "died, closed since", "failed", "died before"],
)
async def test_what_rang_does_not_ring_again(
    talk: Any, tmp_path: Path, lines: Any, page: Any, wanted: dict[str, Any]
) -> None:
    """Where it may not have arrived, the playbook pages under the same key."""
    await talk.stored(blind(tmp_path, *lines, page=page))
    found = await facts(talk)
    found.pop("page_url", None)
    assert found == wanted


async def test_an_ask_the_database_kept_after_all_is_settled(talk: Any, tmp_path: Path) -> None:
    asked = typed()
    await talk.house.db.write(lambda tx: inbox.store(tx, [asked]))
    ask = blind(tmp_path, *DONE, asked=asked)
    await talk.house.db.write(lambda tx: inbox.store(tx, [ask]))
    reply = await talk.dispatch.handle(ask)
    assert reply.ok and await talk.read(lambda tx: inbox.state(tx, asked.key)) == "refused"
    assert await talk.dispatch.handle(asked) is None
    assert len(await talk.read(incidents.open_ones)) == 1


async def test_one_that_was_handled_after_all_gets_the_lines_and_no_second_incident(talk: Any, tmp_path: Path) -> None:
    asked = typed()
    await talk.stored(asked)
    reply = await talk.stored(blind(tmp_path, *DONE, asked=asked))
    assert not reply.ok and "*INC-1* was declared from" in reply.text and "a second time" in reply.text
    assert len(await talk.read(incidents.open_ones)) == 1
    assert len(await talk.events("INC-1", "journal.effect")) == 4


async def test_who_was_turned_away_stays_so_and_it_is_an_event(talk: Any, tmp_path: Path) -> None:
    ask = blind(tmp_path, ("refused", {"error": "it is for full members of this workspace."}))
    reply = await talk.stored(ask)
    assert not reply.ok and "full members" in reply.text
    assert await talk.read(incidents.open_ones) == []
    assert [event.body["via"] for event in await talk.events("org", "access.refused")] == ["journal"]


async def test_what_a_stranger_set_off_is_on_the_record(talk: Any, tmp_path: Path) -> None:
    asked = replace(typed(), account="T9/UXIA")
    assert (await talk.stored(blind(tmp_path, *DONE, asked=asked))).ok
    assert (await talk.incident("INC-1")).declared_by == "muster"


async def test_a_secret_one_takes_over_no_message(talk: Any, tmp_path: Path) -> None:
    ask = blind(tmp_path, *DONE[:2], asked=typed("incident declare sev1 keys of Bob type=security"))
    reply = await talk.stored(ask)
    assert "Bob" not in reply.text and (await talk.incident("INC-1")).private
    assert await talk.read(lambda tx: cards.get(tx, "announcement", "INC-1")) is None
