"""/incident export"""

from __future__ import annotations

import hashlib
from typing import Any

from playbooks.engine.post_mortem import TimelineDrafts
from storage import erasing, runs, timeline
from storage.db import Tx


async def test_the_file_goes_to_whoever_asks_and_that_is_on_the_record(talk: Any) -> None:
    id = await talk.declare()
    await talk("Ana", "incident note a customer's name")
    reply = await talk("Eve", "incident export")
    assert reply.ok and f"Sending you *{id}.jsonl*" in reply.text
    run = await talk.read(lambda tx: runs.get(tx, reply.data["run"]))
    assert (run.playbook, run.inputs["person"], run.shown) == ("comms/export", "UEVE", False)
    made = (await talk.events(timeline.ORG, "export.made"))[-1]
    assert (made.actor, made.body["what"], made.body["events"]) == (run.requester, id, reply.data["events"])
    drafts = TimelineDrafts(talk.house.db)
    file = await drafts.read(run.inputs["document"], id)
    assert file.sha256 == made.body["sha256"] == hashlib.sha256(file.body.encode()).hexdigest()
    assert len(file.body.splitlines()) == reply.data["events"] and "a customer's name" in file.body

    csv = await talk("Eve", "incident export csv")
    asked = (await talk.read(lambda tx: runs.get(tx, csv.data["run"]))).inputs["document"]
    sheet = await drafts.read(asked, id)
    assert sheet.name == f"{id}.csv" and sheet.body.startswith("seq,at,")
    (note,) = await talk.events(id, "incident.note")

    def erase(tx: Tx) -> None:
        erasing.redact(tx, id, note.seq, asked_by="P-A", decision="D-1", by=("P-A", "P-B"), reason="a name")

    await talk.house.db.write(erase)
    assert "a customer's name" not in (await drafts.read(run.inputs["document"], id)).body, (
        "what is erased does not go out"
    )


async def test_wrong_input_and_a_terminal(talk: Any) -> None:
    await talk.declare()
    assert "It can be: jsonl, csv" in (await talk("Ana", "incident export pdf")).text
    assert "There is no INC-9" in (await talk("Ana", "incident export INC-9")).text
