"""Silence: a question is passed on to the commander, then to the owners, who are paged; it fails only after that.

The real `human.*` actions under a running engine; the runs that write to people are looked at, not sent.
"""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from playbooks.engine.answering import answer
from playbooks.engine.library import Library
from playbooks.engine.load import load_text
from playbooks.engine.starting import write_run
from playbooks.engine.transition import Changes, lock, transition
from playbooks.errors import Refused
from playbooks.policy import parse_policy
from storage import incidents, people, runs, timeline
from storage.db import Tx
from storage.tables import runs as run_rows
from tests.playbooks.engine.conftest import POLICY

MORE = """
roles: {commander: {title: Incident commander}, tech_lead: {title: Tech lead}}
permissions: {administer: sre}
"""
LIBRARY = Library()


class Play:
    """An incident of the shop, Ana's, with an engine that drives a run of these steps but none that writes to people."""

    def __init__(self, stage: Any, engine: Any) -> None:
        self.stage, self.engine, self.run = stage, engine, ""

    @classmethod
    async def of(cls, stage: Any, steps: str, **roles: str) -> Play:
        policy = POLICY.replace("site: primary}", "site: primary, owners: dba}").replace(
            "groups: {", "groups: {dba: {people: [dov]}, "
        )
        stage.policy = parse_policy(policy.replace("page_missing: false", "page_missing: true") + MORE)
        self = cls(stage, stage.engine())
        self.engine.house.find_playbook = LIBRARY.find
        playbook = load_text(f"name: toy/run\ntitle: A run\nsteps:\n{steps}", "toy/run.yaml")

        def write(tx: Tx) -> str:
            persons = stage.persons
            for name in ("ben", "chi", "dov", "eve"):
                person = {"person": persons[name], "email": f"{name}@example.com"}
                people.believe(tx, "slack", f"T1/U{name.upper()}", state=people.MEMBER, name=name.title(), **person)
            people.set_group(tx, "dba", {"policy": [persons["dov"]]})
            found = incidents.open_incident(tx, title="down", severity="sev1", service="shop", by=persons["ana"])
            for role, name in roles.items():
                incidents.set_role(tx, found.id, role, persons[name], by=persons["ana"])
            return write_run(tx, self.engine.house, playbook=playbook, inputs={}, incident=found.id,
                             requester=persons["ana"], service="shop")  # fmt: skip

        self.run = await stage.db.write(write)
        await self.engine.start()
        return self

    async def step(self, check: Any = None) -> runs.Step:
        """The first step, once it fits."""
        fits = check or (lambda step: step.state == "parked")
        found: runs.Step = await self.stage.until(lambda tx: (s := runs.steps_of(tx, self.run)[0]) and fits(s) and s)
        return found

    async def calls(self) -> list[tuple[list[str], list[str], str]]:
        """Who was written to, who was paged, with which words."""
        query = select(run_rows.c.inputs).where(run_rows.c.playbook == "comms/ask-again").order_by(run_rows.c.number)
        found = await self.stage.db.read(lambda tx: tx.conn.execute(query).scalars().all())
        return [(one["users"], one["emails"], one["text"]) for one in found]

    async def says(self, who: str, **said: Any) -> Any:
        actor = self.stage.actor(who)
        return await self.stage.db.write(
            lambda tx: answer(tx, self.engine, run=self.run, step="1", actor=actor, **said)
        )

    async def told(self, *types: str) -> list[timeline.Event]:
        found: list[timeline.Event] = await self.stage.db.read(lambda tx: timeline.read(tx, "INC-1", types=types))
        return [event for event in found if event.body["run"] == self.run]


async def test_silence_is_passed_on_and_fails_only_in_the_end(stage: Any) -> None:
    ask = "  - {id: ask, uses: human.confirm, with: {question: Is it fenced?, who: tech_lead, due: 0.4s}}\n"
    play = await Play.of(stage, ask.replace("0.4s", "400ms"), tech_lead="eve", commander="ben")
    first = await play.step(lambda step: len((step.question or {}).get("asked", ())) == 2)
    assert (
        first.question is not None
        and first.question["asked"] == ["tech_lead", "commander"]
        and not first.question["paged"]
    )
    await stage.ended(play.run, "paused")
    step = await play.step(lambda step: step.state == "failed")
    assert step.error == "Nobody answered “Is it fenced?” in time. Asked: tech_lead, commander and dba."
    ben, dov = (([f"U{name}"], mails) for name, mails in (("BEN", []), ("DOV", ["dov@example.com"])))
    calls = await play.calls()
    assert [(users, emails) for users, emails, _ in calls] == [ben, dov], "the owners are paged"
    assert f"`/playbook answer {play.run} step=1`" in calls[0][2] and "Is it fenced?" in calls[0][2]
    told = await play.told("step.escalated")
    persons = stage.persons
    assert [(e.body["rung"], e.body["to"], e.body["called"], e.body["paged"]) for e in told] == [
        (1, ["commander"], [persons["ben"]], False), (2, ["dba"], [persons["dov"]], True),
    ]  # fmt: skip


async def test_whoever_was_asked_answers_and_the_page_ends(stage: Any) -> None:
    ask = "  - {id: ask, uses: human.confirm, with: {question: Is it fenced?, who: commander, due: 500ms}}\n"
    play = await Play.of(stage, ask, commander="eve")
    assert not (await play.says("ben", choice="yes")).ok if (await play.step()) else None
    await play.step(lambda step: (step.question or {}).get("paged"))
    assert "in place of the incident commander" in (await play.says("ben", choice="yes", text="seen")).text
    assert (await stage.ended(play.run)).state == "succeeded"
    step = await play.step(lambda step: step.state == "succeeded")
    assert step.outputs is not None and step.outputs["in_place_of"] == "the incident commander"
    assert step.note == "“Is it fenced?”: yes, in place of the incident commander (seen)"
    ended = select(run_rows.c.inputs).where(run_rows.c.playbook == "comms/approvers-answered")
    (inputs,) = await stage.db.read(lambda tx: tx.conn.execute(ended).scalars().all())
    assert inputs == {"emails": ["dov@example.com"], "key": f"muster/{play.run}#1/1"}


async def test_overdue_items_remind_their_owner_once_each(stage: Any) -> None:
    items = "[{text: Rotate, owner: dba, due: 200ms}, {text: Tell legal, due: 300ms}, {text: Later, due: 1h}]"
    play = await Play.of(
        stage, f"  - {{id: l, uses: human.checklist, with: {{title: After 4 h, items: {items}}}}}\n", commander="eve"
    )
    step = await play.step(
        lambda s: s.question and [item["reminded"] for item in s.question["items"]] == [True, True, False]
    )
    assert (
        step.state == "parked"
        and step.deadline is not None
        and (step.deadline - step.started_at).total_seconds() > 3000
    )  # type: ignore[operator]
    calls = await play.calls()
    assert [(users, emails) for users, emails, _ in calls] == [(["UDOV"], []), (["UEVE"], [])], "written to, not paged"
    assert (
        "“Rotate” (After 4 h) is overdue" in calls[0][2] and f"answer {play.run} step=1 1 skip <reason>" in calls[0][2]
    )
    assert [e.body["item"] for e in await play.told("step.reminded")] == [1, 2]
    for number, who in ((1, "dov"), (2, "eve"), (3, "eve")):
        await play.says(who, text=f"{number}")
    assert (await stage.ended(play.run)).state == "succeeded"
    ended = await play.step(lambda step: step.state == "succeeded")
    assert ended.outputs is not None and (ended.outputs["done"], ended.outputs["skipped"]) == (3, 0)


async def test_waiting_ends_with_its_time_or_with_a_persons_word(stage: Any) -> None:
    wait = "  - {id: w, uses: human.wait_until, with: {why: the window opens, length: %s}}\n"
    play = await Play.of(stage, wait % "300ms", commander="eve")
    assert (await stage.ended(play.run)).state == "succeeded"
    long = await Play.of(stage, wait % "1h", commander="eve")
    long.engine = play.engine
    await long.step()
    with pytest.raises(Refused, match="evidence"):
        await long.says("eve", choice="go-on")
    assert not (await long.says("dov", choice="go-on", text="now")).ok
    await long.says("eve", choice="go-on", text="they opened early")
    assert (await stage.ended(long.run)).state == "succeeded"
    done = await long.step(lambda step: step.state == "succeeded")
    assert done.outputs is not None and done.outputs["cut_short"] and done.outputs["text"] == "they opened early"


async def test_what_was_said_before_a_crash_counts_after_it(stage: Any) -> None:
    """The replica dies between taking an answer and writing what it means: nobody is asked again."""
    ask = "  - {id: ask, uses: human.confirm, with: {question: Is it fenced?, who: sre, people: 2}}\n"
    play = await Play.of(stage, ask)
    await play.step()
    assert "1 of 2" in (await play.says("ben", choice="yes")).text
    await play.engine.stop()
    crashed = {1: {"state": "started", "started_by": "gone", "wake_at": None}}
    await stage.db.write(
        lambda tx: transition(tx, lock(tx, play.run), Changes(run={"ready_at": tx.now}, steps=crashed))
    )
    again = stage.engine("again")
    again.house.find_playbook = LIBRARY.find
    await again.start()
    step = await play.step(lambda step: step.state == "parked" and step.started_by == "again")
    assert step.question is not None and [one["choice"] for one in step.question["given"]] == ["yes"]
    assert step.deadline is not None
    await play.says("chi", choice="yes")
    assert (await stage.ended(play.run)).state == "succeeded"
    assert len(await play.told("step.asked")) == 1
