"""/playbook undo"""

from __future__ import annotations

from typing import Any

from sqlalchemy import update

from storage import runs
from storage.tables import runs as run_rows
from storage.tables import steps


async def deactivated(talk: Any) -> str:
    """A run of contain/deactivate-key that has ended, as the engine leaves it."""
    await talk.declare()
    id = str((await talk("Ben", "playbook run contain/deactivate-key key=AKIAIOSFODNN7EXAMPLE")).data["run"])
    done = {"key": "AKIAIOSFODNN7EXAMPLE", "user": "deploy"}
    made = {"state": "succeeded", "params": {"key": done["key"]}, "outputs": done, "plan": {"targets": ["iam:x"]}}

    def end(tx: Any) -> None:
        tx.conn.execute(update(steps).where(steps.c.run == id).values(done_at=tx.now, **made))
        tx.conn.execute(update(run_rows).where(run_rows.c.id == id).values(state="succeeded"))

    await talk.house.db.write(end)
    return id


async def test_it_starts_a_run_that_takes_the_quorum(talk: Any) -> None:
    id = await deactivated(talk)
    reply = await talk("Ben", f"playbook undo {id} step=1 it was the wrong key")
    assert reply.ok and "takes back step 1 aws.iam_deactivate_key of INC-1/2" in reply.text
    assert "waits for approval" in reply.text
    by = await talk.read(lambda tx: runs.get(tx, "INC-1/3"))
    (step,) = await talk.read(lambda tx: runs.steps_of(tx, "INC-1/3"))
    assert (by.playbook, by.requester) == ("undo/aws-iam-deactivate-key", await talk.member("Ben", "sre"))
    assert (step.uses, step.risk) == ("aws.iam_deactivate_key.undo", 3), "opening again takes the full quorum"
    (event,) = await talk.events("INC-1", "step.undo_asked")
    assert event.text("reason") == "it was the wrong key" and event.body["by"] == "INC-1/3"


async def test_without_a_name_it_is_the_one_that_is_left_over_and_what_has_no_undo_says_why(talk: Any) -> None:
    await deactivated(talk)
    assert (await talk("Ben", "playbook undo it was the wrong key")).ok
    reply = await talk("Ben", "playbook undo INC-1/1 step=1 no")
    assert not reply.ok and "changed nothing that could be taken back" in reply.text
    assert not (await talk("Eve", "playbook undo INC-1/2 step=1 me too")).ok, "who may run may undo"
