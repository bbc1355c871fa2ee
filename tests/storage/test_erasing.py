"""Erasing one text: gone from the chain's side and from every copy beside it, once, told, and the chain still verifies."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import insert, select, update

from storage import cards, documents, erasing, inbox, incidents, replies, timeline, verify
from storage.db import Database, Tx
from storage.inbox import Ask
from storage.incident_rows import Impossible
from storage.tables import cards as card_rows
from storage.tables import documents as document_rows
from storage.tables import runs, steps, texts
from storage.timeline import Entry

SECRET = 'customer "Jon Möller" & his card 4111-1111'


def _gone(tx: Tx, stream: str, seq: int) -> erasing.Redacted:
    return erasing.redact(tx, stream, seq, asked_by="P-ANA", decision="D-1", by=["P-BEN", "P-ANA"], reason="a name")


def _everywhere(tx: Tx) -> str:
    """All that the database holds, as one text; the words of a JSON column are decoded first."""
    from storage.tables import metadata

    found = []
    for table in metadata.sorted_tables:
        for row in tx.conn.execute(select(table)).mappings():
            found += [repr(value) if isinstance(value, dict | list) else str(value) for value in row.values()]
    return "\n".join(found)


def _run(tx: Tx, stream: str) -> None:
    """A run whose input, parameters and outputs hold the words."""
    run: dict[str, Any] = {
        "id": f"{stream}/1", "stream": stream, "number": 1, "incident": stream, "playbook": "comms/update", "title": "t",
        "text": "", "digest": "d", "inputs": {"text": SECRET, "n": 1}, "kind": "real", "requester": "P-ANA",
        "editors": [], "shown": True, "state": "succeeded", "fence": 1, "created_at": tx.now, "revision": 1,
    }  # fmt: skip
    tx.conn.execute(insert(runs).values(run))
    step: dict[str, Any] = {
        "run": run["id"], "idx": 1, "id": "post", "uses": "slack.post", "title": "Post", "risk": 1,
        "on_failure": "pause", "state": "succeeded", "attempt": 1, "tries": 1, "requesters": [],
        "params": {"text": f"Update: {SECRET}", "channel": "C1"}, "outputs": {"lines": [SECRET, "other"]},
    }  # fmt: skip
    tx.conn.execute(insert(steps).values(step))
    inputs = '{"text": "customer \\"Jon Möller\\" & his card 4111-1111"}'
    timeline.append(tx, stream, Entry("run.requested", "P-ANA", {"run": run["id"]}, {"inputs": inputs}))


async def test_every_copy_goes_and_the_chain_stays_valid(db: Database) -> None:
    def prepare(tx: Tx) -> int:
        found = incidents.open_incident(tx, title="checkout is down", severity="sev1", by="P-ANA")
        seq = incidents.note(tx, found.id, SECRET, by="P-ANA")
        incidents.note(tx, found.id, "something else", by="P-ANA")
        incidents.add_update(tx, found.id, f"We see {SECRET} fail", by="P-ANA", status="investigating")
        _run(tx, found.id)
        typed = 'incident note customer "Jon Möller" &amp; his card 4111-1111'
        inbox.store(tx, [Ask("k1", "command", typed, "slack", "T1/U1", "slack", values={"text": SECRET})])
        inbox.store(tx, [Ask("k2", "command", "incident note something else", "slack", "T1/U1", "slack")])
        answer = {"text": 'noted: customer "Jon Möller" &amp; his  card 4111-1111', "ok": True}
        replies.add(tx, ask="k1", account_kind="slack", account="T1/U1", channel=None, body=answer)
        body = f"# Post-mortem\nIt began.\n- 14:02 {SECRET}\nIt ended."
        documents.keep(tx, stream=found.id, name="pm.md", key="pm", body=body)
        return seq

    seq = await db.write(prepare)
    before = await db.read(lambda tx: timeline.head(tx, "INC-1"))
    done = await db.write(lambda tx: _gone(tx, "INC-1", seq))
    assert done.fields == ("text",) and len(done.also) == 2

    def look(tx: Tx) -> None:
        left = _everywhere(tx)
        assert "Möller" not in left and "\\u00f6ller" not in left and "4111-1111" not in left
        assert "something else" in left and "It ended." in left and "checkout is down" in left
        found = incidents.get(tx, "INC-1")
        assert found and found.latest_update == "(erased)" and found.title == "checkout is down"
        assert inbox.get(tx, "k1") == Ask(
            **{**inbox.get(tx, "k1").__dict__, "line": "incident note (erased)", "values": {"text": "(erased)"}}
        )  # type: ignore[union-attr]
        kept = documents.by_key(tx, "pm")
        assert kept and kept.body == "# Post-mortem\nIt began.\n(erased)\nIt ended."
        row = tx.conn.execute(select(document_rows.c.sha256)).scalar_one()
        assert row == documents.hashlib.sha256(kept.body.encode()).hexdigest()
        told = timeline.read(tx, "INC-1", types=("text.redacted",))[-1]
        assert told.body["event"] == seq and told.body["by"] == ["P-ANA", "P-BEN"] and told.text("reason") == "a name"
        assert told.seq == before.seq + 1
        verdict = next(one for one in verify.check_database(tx) if one.stream == "INC-1")
        assert verdict.ok and verdict.erased == 3, verdict.bad

    await db.read(look)


async def test_a_short_text_is_found_only_where_it_stands_alone(db: Database) -> None:
    def work(tx: Tx) -> None:
        stream = incidents.open_incident(tx, title="ok corral is down", severity="sev1", by="P-ANA").id
        seq = incidents.note(tx, stream, "ok", by="P-ANA")
        inbox.store(tx, [Ask("k1", "command", "incident note ok", "slack", "T1/U1", "slack")])
        inbox.store(tx, [Ask("k2", "command", "incident note looks good", "slack", "T1/U1", "slack")])
        assert _gone(tx, stream, seq).also == ()
        lines = [(inbox.get(tx, key) or Ask("", "", "", "", "", "")).line for key in ("k1", "k2")]
        assert lines == ["incident note (erased)", "incident note looks good"]
        found = incidents.get(tx, stream)
        assert found and found.title == "ok corral is down"

    await db.write(work)


async def test_the_title_is_the_first_event_s_text(db: Database) -> None:
    def work(tx: Tx) -> None:
        stream = incidents.open_incident(tx, title="Jon Möller cannot pay", severity="sev1", by="P-ANA").id
        incidents.set_facts(tx, stream, {"channel": "C1", "channel_name": "inc-1-jon-moller-cannot-pay"})
        cards.want(tx, "run", "INC-1/1", stream)
        tx.conn.execute(update(card_rows).values(shown=card_rows.c.wanted))
        assert cards.due(tx) == []
        _gone(tx, stream, 1)
        found = incidents.get(tx, stream)
        assert found and found.title == "(erased)" and found.facts == {"channel": "C1", "channel_name": "(erased)"}
        assert {card.kind for card in cards.due(tx)} == {"board", "announcement", "run"}

    await db.write(work)


@pytest.mark.parametrize(("seq", "words"), [(9, "has no event 9"), (2, "holds no words"), (1, "erased already")])
async def test_nothing_to_erase_is_said(db: Database, seq: int, words: str) -> None:
    def work(tx: Tx) -> None:
        stream = incidents.open_incident(tx, title="checkout is down", severity="sev1", by="P-ANA").id
        incidents.set_status(tx, stream, "identified", by="P-ANA")
        erasing.empty(tx, [(stream, 1, "title")])
        with pytest.raises(Impossible, match=words):
            _gone(tx, stream, seq)

    await db.write(work)


async def test_many_are_emptied_in_one_go(db: Database) -> None:
    def work(tx: Tx) -> None:
        timeline.append(tx, "org", *[Entry("a.b", "muster", {}, {"why": f"w{n}"}) for n in range(450)])
        assert erasing.empty(tx, {("org", n, "why") for n in range(1, 451)}) == 450
        left = tx.conn.execute(select(texts.c.text, texts.c.salt).where(texts.c.text.is_not(None))).all()
        assert left == []
        assert all(verdict.ok for verdict in verify.check_database(tx))

    await db.write(work)
