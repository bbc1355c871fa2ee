"""Which heads are carried where, and when: at once after an approval, every few minutes where something moved."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from commands.timers import anchor
from playbooks.engine.transition import Changes, lock, transition
from playbooks.policy_anchors import Anchors, S3Place
from storage import anchors, runs, timeline, verify
from storage.tables import runs as run_rows
from storage.tables import timers as timer_rows
from storage.timeline import ORG, Entry

ALL = Anchors(slack="#record", file="/tmp/anchors.jsonl", s3=S3Place(bucket="anchors"))


def carries(talk: Any) -> Awaitable[list[runs.Run]]:
    """The runs of record/anchor, oldest first."""

    def look(tx: Any) -> list[runs.Run]:
        query = select(run_rows.c.id).where(run_rows.c.playbook == anchor.PLAYBOOK).order_by(run_rows.c.number)
        return [run for id in tx.conn.execute(query).scalars() if (run := runs.get(tx, id))]

    return talk.read(look)


def ended(run: str, failed: tuple[str, ...] = ()) -> Callable[[Any], None]:
    """Move the run as the engine would: what was not asked for is skipped, these places fail, the others take it."""

    def work(tx: Any) -> None:
        asked = runs.get(tx, run)
        assert asked
        transition(tx, lock(tx, run), Changes(run={"state": "running"}))
        wanted = {"slack": "channel", "file": "file", "s3": "bucket"}
        for step in runs.steps_of(tx, run):
            if not asked.inputs.get(wanted[step.id]):
                moves: list[dict[str, Any]] = [{"state": "skipped", "note": "its condition does not hold"}]
            elif step.id in failed:
                moves = [{"state": "started"}, {"state": "failed", "error": f"{step.id} is down"}]
            else:
                moves = [{"state": "started"}, {"state": "succeeded", "outputs": {"ref": f"there/{step.id}"}}]
            for values in moves:
                transition(tx, lock(tx, run), Changes(steps={step.idx: values}))
        transition(tx, lock(tx, run), Changes(run={"state": "incomplete" if failed else "succeeded"}))

    return work


async def rows(talk: Any, stream: str) -> list[tuple[int, str]]:
    found = await talk.read(lambda tx: anchors.of_stream(tx, stream))
    return [(one.seq, one.place) for one in found]


async def due_in(talk: Any, subject: str) -> timedelta:
    def look(tx: Any) -> timedelta:
        query = select(timer_rows.c.due_at, timer_rows.c.state).where(timer_rows.c.subject == subject)
        due, state = tx.conn.execute(query.where(timer_rows.c.kind == "anchor")).one()
        assert state == "pending"
        return due - tx.now

    return await talk.read(look)


@pytest.fixture
def with_places(talk: Any) -> Callable[[Anchors], None]:
    def put(rules: Anchors) -> None:
        talk.house.policy = talk.house.policy.model_copy(update={"anchors": rules})

    return put


async def test_heads_that_moved_are_carried_once_to_every_place(talk: Any, fire: Any, with_places: Any) -> None:
    with_places(ALL)
    id = await talk.declare()
    await fire("anchor all")
    (run,) = await carries(talk)
    head = await talk.read(lambda tx: timeline.head(tx, id))
    assert run.incident is None and run.shown is False and run.requester == "muster"
    assert run.inputs["heads"][0] == f"{id}@{head.seq}:sha256:{head.hash}" and run.inputs["heads"][1].startswith("org@")
    assert (run.inputs["channel"], run.inputs["file"], run.inputs["bucket"]) == (
        "#record",
        "/tmp/anchors.jsonl",
        "anchors",
    )
    assert timedelta(minutes=4) < await due_in(talk, "all") <= timedelta(minutes=5)
    await talk.house.db.write(ended(run.id))
    await fire(f"anchored {run.id}")
    assert await rows(talk, id) == [(head.seq, "file"), (head.seq, "s3"), (head.seq, "slack")]
    told = await talk.events(ORG, "stream.anchored")
    assert [(e.body["stream"], e.body["places"]) for e in told] == [
        (id, ["file", "s3", "slack"]),
        ("org", ["file", "s3", "slack"]),
    ]
    await fire("anchor all")
    await fire(f"anchor {id}")
    assert len(await carries(talk)) == 1, "nothing moved"
    await talk.house.db.write(lambda tx: timeline.append(tx, id, Entry("incident.note", "P-1", {}, {"text": "x"})))
    await fire(f"anchor {id}")
    assert (await carries(talk))[1].inputs["heads"][0].startswith(f"{id}@{head.seq + 1}:")
    assert all(one.ok for one in await talk.read(verify.check_database))


async def test_one_broken_place_stops_no_other_and_is_told_once(talk: Any, fire: Any, with_places: Any) -> None:
    with_places(ALL)
    id = await talk.declare()
    for n, failed in enumerate((("s3",), ("s3",), ())):
        await talk.house.db.write(lambda tx: timeline.append(tx, id, Entry("incident.note", "P-1")))
        await fire("anchor all")
        run = (await carries(talk))[-1]
        await talk.house.db.write(ended(run.id, failed))
        await fire(f"anchored {run.id}")
        assert (n < 2) == (await talk.read(anchors.broken) == {"s3": "s3 is down"})
    assert [e.type for e in await talk.events(ORG, "anchor.broken", "anchor.mended")] == [
        "anchor.broken",
        "anchor.mended",
    ]
    assert [place for _, place in await rows(talk, id)].count("s3") == 1
    assert [place for _, place in await rows(talk, id)].count("file") == 3


async def test_a_place_that_stays_broken_is_not_tried_every_few_minutes(talk: Any, fire: Any, with_places: Any) -> None:
    with_places(Anchors(file="/tmp/anchors.jsonl"))
    await talk.declare()
    await fire("anchor all")
    (run,) = await carries(talk)
    await talk.house.db.write(ended(run.id, ("file",)))
    await fire(f"anchored {run.id}")
    await fire("anchor all")
    assert await due_in(talk, "all") > timedelta(minutes=55)


async def test_a_private_incident_is_never_named_in_slack(talk: Any, fire: Any, with_places: Any) -> None:
    with_places(ALL)
    id = await talk.declare("sev1 somebody is inside type=security")
    await fire("anchor all")
    found = {tuple(head.partition("@")[0] for head in run.inputs["heads"]): run.inputs for run in await carries(talk)}
    assert found[(id,)]["channel"] is None and found[(id,)]["file"] and found[(id,)]["bucket"]
    assert id not in found[("org",)]["heads"][0] and found[("org",)]["channel"] == "#record"
    for run in await carries(talk):
        await talk.house.db.write(ended(run.id))
        await fire(f"anchored {run.id}")
    await fire("anchor all")
    assert len(await carries(talk)) == 2, "Slack is not waited for"
    with_places(Anchors(slack="#record"))
    await talk.house.db.write(lambda tx: timeline.append(tx, id, Entry("incident.note", "P-1")))
    await fire("anchor all")
    await fire(f"anchor {id}")
    assert len(await carries(talk)) == 2


async def test_without_a_place_nothing_starts(talk: Any, fire: Any) -> None:
    id = await talk.declare()
    await fire("anchor all")
    await fire(f"anchor {id}")
    assert await carries(talk) == []


async def test_many_heads_are_carried_in_parts(talk: Any, fire: Any, with_places: Any) -> None:
    with_places(Anchors(file="/tmp/anchors.jsonl"))

    def many(tx: Any) -> None:
        for n in range(anchors.AT_ONCE + 5):
            timeline.append(tx, f"INC-{n + 1:03}", Entry("incident.note", "P-1"))

    await talk.house.db.write(many)
    await fire("anchor all")
    (run,) = await carries(talk)
    assert len(run.inputs["heads"]) == anchors.AT_ONCE and await due_in(talk, "all") <= anchor.MORE


@pytest.mark.parametrize("word", ["every", "org"])
def test_a_policy_that_would_anchor_without_pause_is_refused(word: str) -> None:
    with pytest.raises(ValueError, match="too often"):
        Anchors.model_validate({word: "1s"})
