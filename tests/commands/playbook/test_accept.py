"""/playbook accept"""

from __future__ import annotations

from typing import Any

from sqlalchemy import update

from playbooks.engine.leftovers import of_incident
from storage import runs
from storage.tables import steps
from tests.commands.playbook.test_undo import deactivated


async def left(talk: Any) -> Any:
    return await talk.read(lambda tx: of_incident(tx, "INC-1", talk.house.policy))


async def test_what_is_accepted_is_left_over_no_more(talk: Any) -> None:
    id = await deactivated(talk)
    assert [step.run for step in await left(talk)] == [id]
    assert not (await talk("Ben", f"playbook accept {id} step=1")).ok, "not without a reason"
    reply = await talk("Ben", f"playbook accept {id} step=1 it was leaked")
    assert reply.ok and "changed stays" in reply.text
    assert await left(talk) == []
    (event,) = await talk.events("INC-1", "step.accepted")
    assert event.text("reason") == "it was leaked"


async def test_what_another_run_set_back_is_left_over_no_more(talk: Any) -> None:
    id = await deactivated(talk)
    again = str((await talk("Ben", "playbook run contain/reactivate-key key=AKIAIOSFODNN7EXAMPLE")).data["run"])
    (mine,) = await talk.read(lambda tx: runs.steps_of(tx, id))
    made = {"params": mine.params, "outputs": mine.outputs, "started_at": mine.done_at}

    def end(tx: Any, state: str) -> None:
        where = (steps.c.run == again, steps.c.uses == "aws.iam_activate_key")
        tx.conn.execute(update(steps).where(*where).values(state=state, done_at=tx.now, **made))

    await talk.house.db.write(lambda tx: end(tx, "failed"))
    assert id in [step.run for step in await left(talk)], "that it works again was not seen"
    await talk.house.db.write(lambda tx: end(tx, "succeeded"))
    assert await left(talk) == []
