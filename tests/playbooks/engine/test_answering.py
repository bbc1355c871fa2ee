"""Answers to a step on rows: who may, how many it takes, forms, and what is no answer. No engine runs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import update

from playbooks.action import Question
from playbooks.engine.answering import answer
from playbooks.engine.asked import ladder
from playbooks.engine.load import load_text
from playbooks.engine.outcomes import next_look, opened
from playbooks.engine.starting import write_run
from playbooks.engine.transition import Changes, lock, transition
from playbooks.policy import parse_policy
from storage import incidents, joining, people, runs, timeline
from storage.db import Tx
from storage.tables import incidents as incident_rows
from tests.playbooks.engine.conftest import POLICY
from tests.playbooks.engine.test_requests import Asked

MORE = """
roles: {commander: {title: Incident commander, aliases: [ic]}, tech_lead: {title: Tech lead}}
permissions: {administer: sre}
"""
ASK = "  - {id: ask, uses: toy.ask}\n"


class Incident(Asked):
    """A step that asks, in an incident whose roles the test gives. Ana asked for the run."""

    @classmethod
    async def asks(cls, stage: Any, policy: str = MORE, **question: Any) -> Incident:
        stage.policy = parse_policy(POLICY + policy)
        engine = stage.engine()
        playbook = load_text(f"name: toy/run\ntitle: A run\nsteps:\n{ASK}", "toy/run.yaml")

        def write(tx: Tx) -> str:
            ana = stage.persons["ana"]
            found = incidents.open_incident(tx, title="down", severity="sev1", by=ana)
            id = write_run(tx, engine.house, playbook=playbook, inputs={}, incident=found.id, requester=ana)
            asked = opened(Question(**{"text": "All well?", **question}), tx.now)
            transition(tx, lock(tx, id), Changes(run={"state": "running"}, steps={1: {"state": "started"}}))
            parked = {"state": "parked", "question": asked, "deadline": next_look(asked)}
            transition(tx, lock(tx, id), Changes(steps={1: parked}))
            return id

        return cls(stage, engine, await stage.db.write(write))

    async def gives(self, role: str, name: str) -> None:
        await self.stage.db.write(
            lambda tx: incidents.set_role(tx, "INC-1", role, self.stage.persons[name], by=self.stage.persons["ana"])
        )

    async def says(self, who: str, text: str, ok: bool = True, groups: set[str] | None = None, **more: Any) -> str:
        """The answer somebody gets, who is in these groups by the directory's rows (sre for Ben, Chi and Dov)."""
        sre = who in ("ben", "chi", "dov")
        inside = frozenset(groups if groups is not None else {"sre"} if sre else set())
        actor = self.stage.actor(who)
        actor = type(actor)(**{**actor.__dict__, "groups": inside})
        said = await self.stage.db.write(
            lambda tx: answer(tx, self.engine, run=self.run, step=None, actor=actor, text=text, **more)
        )
        assert said.ok is ok, said.text
        return str(said.text)

    async def step(self) -> runs.Step:
        found: runs.Step = (await self.stage.db.read(lambda tx: runs.steps_of(tx, self.run)))[0]
        return found

    async def told(self, *types: str) -> list[timeline.Event]:
        found: list[timeline.Event] = await self.stage.db.read(lambda tx: timeline.read(tx, "INC-1", types=types))
        return found


async def test_a_role_is_whoever_holds_it_now(stage: Any) -> None:
    asked = await Incident.asks(stage, who="ic")
    await asked.gives("commander", "eve")
    refused = await asked.says("ana", "yes", ok=False)
    assert "asked of the incident commander (Eve)" in refused and "/incident role commander me" in refused
    assert "@sre may answer in their place from " in refused, "a stranger to it is told when others may"
    assert "@sre may answer" in await asked.says("ben", "yes", ok=False), (
        "as long as Eve is there, also who may approve"
    )
    await asked.gives("commander", "ana")
    await asked.says("ana", "yes both sites answer")
    step = await asked.step()
    assert step.answer == {
        "person": stage.persons["ana"], "choice": "yes", "text": "both sites answer", "people": [stage.persons["ana"]],
        "in_place_of": "",
    }  # fmt: skip
    (told,) = await asked.told("step.answered")
    assert (told.actor, told.body["choice"], told.body["in_place_of"]) == (stage.persons["ana"], "yes", "")
    assert [event.body["why"] for event in await asked.told("step.answer_refused")] == ["who", "who"]
    assert "was answered already: yes" in await asked.refused(answer, step=None, choice="no")


async def test_where_nobody_holds_the_role_approvers_answer_in_its_place(stage: Any) -> None:
    asked = await Incident.asks(stage, who="tech_lead")
    assert "the tech lead, who is nobody now" in await asked.says("eve", "yes", ok=False)
    assert "in place of the tech lead" in await asked.says("ben", "yes")
    (told,) = await asked.told("step.answered")
    assert told.body["in_place_of"] == "the tech lead" == (await asked.step()).answer["in_place_of"]  # type: ignore[index]


async def test_a_holder_who_left_is_nobody(stage: Any) -> None:
    asked = await Incident.asks(stage, who="commander")
    await asked.gives("commander", "eve")
    await stage.db.write(lambda tx: people.believe(tx, "slack", "T1/UEVE", state=people.DEACTIVATED))
    assert "in place of the incident commander" in await asked.says("chi", "yes")


async def test_what_became_of_a_lost_effect_is_said_by_who_may_run_or_leads(stage: Any) -> None:
    more = MORE.replace("{title: Tech lead}", "{title: Tech lead, aliases: [ops]}").replace("{adm", "{run: sre, adm")
    asked = await Incident.asks(stage, policy=more)
    lost = {"text": "?", "choices": ["happened", "did-not", "abort"], "who": ""}
    moves = ({"state": "started"}, {"state": "unknown"}, {"state": "asking", "question": lost})
    await asked.put(None, *({1: move} for move in moves))
    words = await asked.says("eve", "happened", ok=False)
    assert "said by @sre, the incident commander or the tech lead. Nothing was recorded" in words
    assert "/incident role commander me" in words
    assert [event.body["why"] for event in await asked.told("step.answer_refused")] == ["who"]
    await asked.gives("tech_lead", "eve")
    assert "it did not happen" in await asked.says("eve", "did-not")
    await asked.put(None, *({1: move} for move in moves))
    assert "it happened" in await asked.says("ben", "happened"), "who may run playbooks"
    other = await Incident.asks(stage, policy=more)
    await other.put(None, *({1: move} for move in moves))
    await other.says("eve", "abort")
    assert (await other.step()).state == "aborted", "whoever may ask for anything may stop it"
    open_ = await Incident.asks(stage)
    await open_.put(None, *({1: move} for move in moves))
    assert "it happened" in await open_.says("eve", "happened"), "where everyone may run, everyone may say"


async def test_a_group_is_its_members_and_anyone_is_anyone(stage: Any) -> None:
    asked = await Incident.asks(stage, who="sre")
    assert "asked of @sre (" in await asked.says("eve", "yes", ok=False)
    assert "in place" not in await asked.says("dov", "yes")
    anyone = await Incident.asks(stage, who="anyone")
    await anyone.says("eve", "yes")


async def test_two_people_must_say_the_same_and_one_no_stops(stage: Any) -> None:
    asked = await Incident.asks(stage, who="commander", people=2, choices=("yes", "later", "no"), stops=("no",))
    await asked.gives("commander", "ana")
    assert "you are one of these" in await asked.says("ana", "yes", ok=False), "who asked for the run is none of two"
    assert "1 of 2 who must say the same" in await asked.says("ben", "yes the writer is off")
    assert "counts already" in await asked.says("ben", "YES", ok=False)
    assert "1 of 2" in await asked.says("chi", "later")
    assert (await asked.step()).answer is None, "they do not say the same"
    await asked.says("chi", "yes I see it too")
    answered = (await asked.step()).answer
    assert answered is not None and answered["people"] == [stage.persons["ben"], stage.persons["chi"]]
    assert answered["text"] == "the writer is off; I see it too"
    told = await asked.told("step.answered")
    assert [(e.body["choice"], e.body["so_far"], e.body["people"]) for e in told] == [
        ("yes", 1, 2), ("later", 1, 2), ("yes", 2, 2),
    ]  # fmt: skip
    assert [e.body["why"] for e in await asked.told("step.answer_refused")] == ["barred", "twice"]

    other = await Incident.asks(stage, who="sre", people=2, stops=("no",), requester=True)
    await other.says("ben", "yes")
    await other.says("dov", "no it still writes")
    stopped = (await other.step()).answer
    assert stopped is not None and (stopped["choice"], stopped["text"]) == ("no", "it still writes")
    third = await Incident.asks(stage, who="anyone", people=2, requester=True)
    assert "1 of 2" in await third.says("ana", "yes"), "requester: true lets who asked be one"
    await third.says("eve", "yes")


async def test_two_names_of_one_human_are_one(stage: Any) -> None:
    asked = await Incident.asks(stage, who="sre", people=2)
    await asked.says("ben", "yes")
    await stage.db.write(lambda tx: joining.merge(tx, stage.persons["ben"], stage.persons["chi"]))
    assert "counts already" in await asked.says("chi", "yes", ok=False)
    await asked.says("dov", "yes")
    assert (await asked.step()).answer is not None


async def test_an_option_by_its_number_or_its_name(stage: Any) -> None:
    options = ("nightly 21", "nightly 20", "none of these")
    asked = await Incident.asks(stage, who="anyone", choices=options, numbered=True, evidence_required=True)
    assert "1 nightly 21, 2 nightly 20, 3 none" in await asked.refused(answer, step=None, text="nightly 19")
    assert "evidence in words" in await asked.refused(answer, step=None, text="2")
    await asked.says("eve", "Nightly 20 its checksum is right")
    answered = (await asked.step()).answer
    assert answered is not None and (answered["choice"], answered["text"]) == ("nightly 20", "its checksum is right")
    (told,) = await asked.told("step.answered")
    assert told.body["choice"] == "option-2" and told.text("choice") == "nightly 20", "data stays out of the body"


FIELDS = (
    {"name": "restore_to", "type": "time", "max": "now"},
    {"name": "nodes", "type": "integer", "min": 1, "max": 9},
    {"name": "note", "required": False},
)


async def test_a_form_is_read_typed_and_within_its_bounds(stage: Any) -> None:
    asked = await Incident.asks(stage, who="commander", choices=(), fields=FIELDS, evidence_required=True)
    await asked.gives("commander", "eve")
    assert "asked of the incident commander" in await asked.says("ana", "", ok=False, values={"nodes": "3"})
    given = {"restore_to": "2999-01-01T00:00Z", "nodes": "12", "nodse": "3"}
    with pytest.raises(Exception, match="nodes") as wrong:
        await asked.says("eve", "seen", values=given)
    for words in ("2999", "12, where it must be at least 1 and at most 9", "did you mean nodes"):
        assert words in str(wrong.value)
    right = {"restore_to": "2026-11-02T14:05Z", "nodes": "3"}
    with pytest.raises(Exception, match="how you know"):
        await asked.says("eve", "", values=right)
    assert "nodes **3**" in await asked.says("eve", "the checksum fits", values=right)
    answered = (await asked.step()).answer
    assert answered is not None
    assert answered["values"] == {"restore_to": "2026-11-02T14:05:00+00:00", "nodes": 3, "note": None}
    (told,) = await asked.told("step.filled_in")
    assert told.body["fields"] == ["restore_to", "nodes", "note"] and '"nodes":3' in told.text("values")


async def test_answers_that_are_none(stage: Any) -> None:
    asked = await Incident.asks(stage, who="anyone", evidence_required=True)
    assert "Choose one of: yes, no" in await asked.refused(answer, step=None, choice="perhaps")
    assert "evidence in words" in await asked.refused(answer, step=None, choice="yes")
    assert "Recorded: **yes**" in await asked(answer, step=None, choice="yes", text="ticket 7")
    asked.run = "INC-404/1"
    with pytest.raises(Exception, match="no run"):
        await asked(answer, step=None, choice="yes")


async def test_nothing_to_answer(stage: Any) -> None:
    engine = stage.engine()
    asked = Asked(stage, engine, await stage.request("  - {id: one, uses: toy.keyed}\n", engine))
    assert "is parked or asking" in await asked.refused(answer, step=None, choice="yes")
    assert "is pending" in await asked.refused(answer, step="one", choice="yes")


async def test_what_was_kept_by_an_older_version_is_answered_all_the_same(stage: Any) -> None:
    asked = await Incident.asks(stage)
    old = {"text": "All well?", "choices": ["yes", "no"], "who": "commander", "shown": "", "due_in_s": 900.0}
    await asked.put(None, {1: {"question": old}})
    assert "in place of the incident commander" in await asked.says("ben", "yes")


async def test_a_restricted_question_is_passed_on_only_to_who_may_see_it(stage: Any) -> None:
    asked = await Incident.asks(stage, who="tech_lead")
    policy = parse_policy(POLICY.replace("site: primary}", "site: primary, owners: sre}") + MORE)
    seen = policy.model_copy(update={"permissions": policy.permissions.model_copy(update={"see_private": ("sre",)})})

    def rungs(tx: Tx, private: bool, policy: Any) -> Any:
        tx.conn.execute(update(incident_rows).values(private=private))
        run = runs.get(tx, asked.run)
        assert run is not None
        return ladder(tx, policy, replace(run, service="shop"), {"who": "tech_lead"})

    assert await stage.db.write(lambda tx: rungs(tx, False, policy)) == [("sre",)]
    assert await stage.db.write(lambda tx: rungs(tx, True, policy)) == [], "the owners are not told"
    assert await stage.db.write(lambda tx: rungs(tx, True, seen)) == [("sre",)]
