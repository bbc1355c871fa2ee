"""One line when things are settled, or after ten seconds."""

from __future__ import annotations

from typing import Any

from playbooks.engine.transition import Changes, lock, transition
from storage import runs


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
