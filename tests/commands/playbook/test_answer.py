"""/playbook answer"""

from __future__ import annotations

from typing import Any

import pytest

from commands.playbook.answer import Answer, fields_in
from playbooks.action import Question
from playbooks.engine.load import load_text
from playbooks.engine.outcomes import next_look, opened
from playbooks.engine.starting import write_run
from playbooks.engine.transition import Changes, lock, transition
from storage import runs
from storage.db import Tx
from storage.inbox import Ask

FIELDS = ({"name": "restore_to", "type": "time"}, {"name": "nodes", "type": "integer"})
ASK = "name: toy/ask\ntitle: Ask\nsteps:\n  - {id: ask, uses: human.confirm, with: {question: q}}\n"


async def asked(talk: Any, **question: Any) -> str:
    """A run of INC-1 whose first step asks this; its id."""
    house = talk.house

    def write(tx: Tx) -> str:
        requester = house.directory.actor(tx, "slack", "T1/UANA", house.policy).person
        playbook = load_text(ASK, "toy/ask.yaml")
        id = write_run(tx, house.engine.house, playbook=playbook, inputs={}, incident="INC-1", requester=requester)
        asks = opened(Question(**{"text": "All well?", **question}), tx.now)
        transition(tx, lock(tx, id), Changes(run={"state": "running"}, steps={1: {"state": "started"}}))
        parked = {"state": "parked", "question": asks, "deadline": next_look(asks)}
        transition(tx, lock(tx, id), Changes(steps={1: parked}))
        return id

    return str(await house.db.write(write))


async def answer_of(talk: Any, run: str) -> dict[str, Any]:
    found = (await talk.read(lambda tx: runs.steps_of(tx, run)))[0].answer
    assert found is not None
    return dict(found)


async def test_without_a_question_there_is_nothing_to_answer(talk: Any) -> None:
    await talk.declare()
    await talk("Ben", "playbook run failover/rds-multi-az")
    reply = await talk("Ben", "playbook answer happened")
    assert not reply.ok and "No run of INC-1 asks anybody anything" in reply.text
    assert not (await talk("Ben", "playbook answer INC-1/2 happened")).ok
    run = await asked(talk)
    assert "Which answer?" in (await talk("Ben", f"playbook answer {run}")).text


async def test_only_whom_it_asks(talk: Any) -> None:
    """Ana holds no role and approves nothing; who takes the role may, and who approves answers in its place."""
    await talk.declare()
    run = await asked(talk)
    refused = await talk("Ana", f"playbook answer {run} yes")
    assert not refused.ok and "This is asked of the incident commander, who is nobody now" in refused.text
    assert "`@sre` may answer" in refused.text or "@sre may answer" in refused.text
    said = await talk("Ben", "playbook answer yes both sites answer")
    assert said.ok and "in place of the incident commander" in said.text
    assert (await answer_of(talk, run))["text"] == "both sites answer"
    other = await asked(talk)
    await talk("Ana", "incident role commander me")
    assert (await talk("Ana", f"playbook answer {other} step=1 choice=no x")).ok
    assert (await answer_of(talk, other))["choice"] == "no"
    (told,) = await talk.events("INC-1", "step.answer_refused")
    assert told.body["why"] == "who"


async def test_a_form_typed_and_sent(talk: Any) -> None:
    await talk.declare()
    run = await asked(talk, who="anyone", choices=(), fields=FIELDS)
    assert "it is needed" in (await talk("Eve", f"playbook answer {run} nodes=3")).text
    reply = await talk("Eve", f"playbook answer {run} nodes=3 restore_to=2026-01-02T03:04Z the size=4GB fits")
    assert reply.ok and "nodes *3*" in reply.text
    found = await answer_of(talk, run)
    assert (found["values"], found["text"]) == (
        {"nodes": 3, "restore_to": "2026-01-02T03:04:00+00:00"},
        "the size=4GB fits",
    )
    second = await asked(talk, who="anyone", choices=(), fields=FIELDS)
    sent = {"field.nodes": "4", "field.restore_to": "2026-01-02T03:04Z", "text": "seen"}
    assert (await talk("Eve", f"playbook answer {second} step=1", kind="form", values=sent)).ok
    assert (await answer_of(talk, second))["values"]["nodes"] == 4


async def test_items_by_number_and_by_form(talk: Any) -> None:
    await talk.declare()
    items = ({"text": "a", "owner": "anyone", "due_s": None}, {"text": "b", "owner": "anyone", "due_s": None})
    run = await asked(talk, choices=(), items=items)
    assert "1 left" in (await talk("Eve", f"playbook answer {run} 1 done step=1")).text
    sent = {"field.item": "2", "field.state": "skip", "text": "not here"}
    assert (await talk("Eve", f"playbook answer {run} step=1", kind="form", values=sent)).ok
    assert [item["state"] for item in (await answer_of(talk, run))["items"]] == ["done", "skipped"]


@pytest.mark.parametrize(("line", "opens"), [
    ("playbook answer", True), ("playbook answer INC-42/2", True), ("playbook answer INC-42/2 step=3", True),
    ("playbook answer yes", False), ("playbook answer INC-42/2 step=3 choice=yes", False),
    ("playbook answer INC-42/2 3 skip because", False), ("playbook answer n/a", False),
])  # fmt: skip
def test_alone_it_opens_a_form(line: str, opens: bool) -> None:
    assert Answer.form(Ask("k", "command", line, "slack", "T1/U1", "slack")) is opens


@pytest.mark.parametrize(("text", "names", "found"), [
    ("a=1 b=\"two words\" seen x=2 there", ["a", "b"], ({"a": "1", "b": "two words"}, "seen x=2 there")),
    ("restor_to=14:05 seen", ["restore_to"], ({"restor_to": "14:05"}, "seen")),
    ("yes lag=0", [], ({}, "yes lag=0")),
])  # fmt: skip
def test_fields_are_cut_out_of_what_is_typed(text: str, names: list[str], found: Any) -> None:
    assert fields_in(text, names) == found
