"""One line when things are settled, or after ten seconds."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from playbooks.engine.transition import Changes, lock, transition
from storage import runs
from storage.tables import timers


def set_steps(run: str, states: dict[str, tuple[list[str], str]], end: str = "") -> Any:
    """Move steps of a run as the engine would: id -> (states in order, words)."""

    def work(tx: Any) -> None:
        for id, (moves, words) in states.items():
            for state in moves:
                found = lock(tx, run)
                step = next(one for one in runs.steps_of(tx, run) if one.id == id)
                changes = Changes(steps={step.idx: {"state": state, "note": words, "error": words}})
                if state in ("succeeded", "failed"):
                    text = {"said" if state == "succeeded" else "error": words}
                    changes.event(f"step.{state}", run=run, step=step.idx, id=id, uses=step.uses, texts=text)
                if found.state == "queued":
                    changes.run = {"state": "running"}
                transition(tx, found, changes)
        if end:
            transition(tx, lock(tx, run), Changes(run={"state": end}))

    return work


async def test_one_line_when_things_are_settled(talk: Any, fire: Any, sent: Any) -> None:
    await talk.declare()
    await sent()
    ended = {
        "page": (["started", "succeeded"], "Payments primary paged (incident Q2X7, triggered)"),
        "channel": (["started", "succeeded"], "#inc-1-checkout-is-down is open"),
        "status": (["skipped"], "condition"),
        "topic": (["started", "succeeded"], "topic set"),
        "invite": (["skipped"], "condition"),
        "link": (["started", "failed"], "PagerDuty said 429. Tried 3 times."),
    }
    await fire("settle INC-1/1")
    assert await sent() == []
    await talk.house.db.write(set_steps("INC-1/1", ended, "incomplete"))
    await fire("settle INC-1/1")
    await fire("settle INC-1/1")
    (body,) = await sent()
    lines = body["text"].splitlines()
    assert lines[0].startswith(
        "⚠️ *INC-1*: Payments primary paged (incident Q2X7, triggered), #inc-1-checkout-is-down is open"
    )
    assert "PagerDuty said 429" in lines[1] and "+1-555-0199" in lines[1]
    assert (
        "the status page draft waits for Publish" in lines[0] and body["buttons"][0]["line"] == "incident publish INC-1"
    )


async def test_after_ten_seconds_it_says_what_is_still_under_way(talk: Any, fire: Any, sent: Any) -> None:
    await talk.declare()
    await sent()
    page = {"page": (["started", "succeeded"], "Payments primary paged")}
    await talk.house.db.write(set_steps("INC-1/1", page))

    def older(tx: Any) -> None:
        tx.conn.exec_driver_sql("update runs set created_at = '2020-01-01 00:00:00.000000'")

    await talk.house.db.write(older)
    await fire("settle INC-1/1")
    (body,) = await sent()
    assert "⏳ *INC-1*: Payments primary paged" in body["text"] and "still under way: Open the channel" in body["text"]


async def test_where_only_failures_are_told_what_went_well_is_not(talk: Any, fire: Any, sent: Any) -> None:
    """Somebody is given a role: the first answer said it; that they were not told is said when it turns out."""
    await talk.declare()
    for number, who, end in ((2, "UBEN", "succeeded"), (3, "UCHI", "incomplete")):
        await talk("Ana", f"incident role commander <@{who}>")
        await sent()
        state = "succeeded" if end == "succeeded" else "failed"
        steps = {id: (["started", state], "Slack said 500.") for id in ("invite", "message", "topic")}
        await talk.house.db.write(set_steps(f"INC-1/{number}", steps, end))
        due = await talk.read(lambda tx, n=number: tx.conn.execute(select(timers.c.payload).where(
            timers.c.kind == "settle", timers.c.subject == f"INC-1/{n}")).scalar_one())  # fmt: skip
        assert due == {"quiet": True}
        await fire(f"settle INC-1/{number}", **due)
        said = await sent()
        assert len(said) == (0 if end == "succeeded" else 1)
    assert "Slack said 500." in said[0]["text"] and "*Do it by hand in Slack*" in said[0]["text"]
