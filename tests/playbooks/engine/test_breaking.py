"""Glass: one person, a reason, the rules by name, a code; bound to one effect, for minutes; told and reviewed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from playbooks.engine import approvals as rules
from playbooks.engine.breaking import refuse_decision
from playbooks.policy import parse_policy
from storage import runs, timeline, verify
from tests.playbooks.engine.booths import Glass
from tests.playbooks.engine.conftest import POLICY

DESTROY = "  - {id: boom, uses: toy.destroy, with: {tag: boom}}\n"


@pytest.fixture
async def glass(stage: Any) -> Glass:
    return await Glass.held(stage, DESTROY)


async def test_one_person_starts_it_and_everyone_hears_of_it(glass: Glass) -> None:
    said = await glass.breaks("ben", "people")
    assert said.ok and "Set aside: people" in said.text and "Change db-1 by boom" in said.text
    old, new = await glass.first(), await glass.now()
    assert (old.state, old.reason) == ("void", "the glass was broken")
    assert (new.state, new.mode, new.overrides["rules"]) == ("granted", "break-glass", ["people"])
    assert new.digest != old.digest and new.covers["mode"] == "break-glass"
    assert new.expires_at - new.opened_at == timedelta(minutes=5)
    await glass.starts()
    await glass.stage.ended(glass.run, "succeeded")
    assert (await glass.now()).state == "used" and len(glass.stage.outside.effects) == 1
    (broken,) = await glass.events("approval.broken")
    assert broken.text("reason") == "nobody answers" and broken.body["proof"] == "totp"
    task = await glass.task()
    assert task is not None
    assert (task.kind, task.person, task.state) == ("break-glass", glass.stage.persons["ben"], "open")
    assert task.due_at - new.opened_at == timedelta(hours=24)
    (told,) = await glass.told()
    assert "Ben broke the glass" in told["text"] and "nobody answers" in told["text"]
    assert {"UBEN", "UCHI", "UDOV", "UANA"} <= set(told["users"]) and told["channel"] == "#incidents"
    verdicts = await glass.stage.db.read(verify.check_database)
    assert all(verdict.ok for verdict in verdicts)


@pytest.mark.parametrize(("named", "more", "code", "words"), [
    ((), {}, "rules", "has to be named: people"),
    (("people", "luck"), {}, "unknown rule", "There is no rule *luck*"),
    (("people",), {"reason": " "}, "no reason", "needs a reason"),
    (("people",), {"code": False}, "step-up", "one-time code"),
    (("people",), {"digest": "00ff"}, "old card", "not current any more"),
])  # fmt: skip
async def test_what_is_missing_is_said_and_nothing_starts(
    glass: Glass, named: Any, more: Any, code: str, words: str
) -> None:
    said = await glass.breaks("ben", *named, **more)
    assert (said.ok, words in said.text) == (False, True), said.text
    (event,) = await glass.events("approval.break_refused")
    assert (event.body["why"], event.body["person"]) == (code, glass.stage.persons["ben"])
    assert (await glass.now()).id == glass.asked.id and (await glass.first()).state == "open"
    assert await glass.task() is None and await glass.told() == []


async def test_who_asked_must_set_that_aside_too_and_who_may_not_approve_may_not_break(glass: Glass) -> None:
    said = await glass.breaks("eve", "people", "from", "requester")
    assert not said.ok and "Approving needs `@sre`" in said.text and "broken by `@sre`" in said.text
    policy = parse_policy(POLICY.replace("page_missing: false", "break_glass: {who: [everyone]}"))
    glass.engine.house.policy = policy
    said = await glass.breaks("ana", "people")
    assert not said.ok and "people, from, requester" in said.text, said.text
    assert (await glass.breaks("ana", "people", "from", "requester")).ok
    await glass.starts()
    await glass.stage.ended(glass.run, "succeeded")


async def test_a_proof_is_of_one_ask_and_good_once(glass: Glass) -> None:
    assert not (await glass.breaks("ben", "people", ask="another")).ok
    assert [e.body["why"] for e in await glass.events("approval.break_refused")] == ["step-up"]


async def test_it_is_bound_to_what_was_shown(glass: Glass) -> None:
    """The target moves after the glass was broken: nothing starts on that word, it is asked for again, by the quorum."""
    assert (await glass.breaks("ben", "people")).ok
    broken = await glass.now()
    glass.stage.outside.target = "db-2"
    await glass.starts()
    again = await glass.stage.until(lambda tx: (a := runs.open_approval(tx, glass.run)) and a.id != broken.id and a)
    assert (again.mode, again.state, again.plan["effect"]) == ("quorum", "open", "Change db-2 by boom")
    assert glass.stage.outside.effects == []
    assert (await glass.stage.db.read(lambda tx: runs.approval(tx, broken.id))).state == "void"


async def test_it_is_good_for_minutes(glass: Glass) -> None:
    await glass.breaks("ben", "people")
    past = (await glass.now()).opened_at - timedelta(seconds=1)
    await glass.set(expires_at=past)
    await glass.starts()
    await glass.stage.ended(glass.run, "paused")
    assert (await glass.now()).state == "expired" and glass.stage.outside.effects == []


async def test_who_could_approve_can_still_stop_it_and_nobody_adds_a_yes(glass: Glass) -> None:
    await glass.breaks("ben", "people")
    assert "nobody's approval any more" in (await glass.votes("chi")).text
    assert not (await glass.votes("eve", "deny")).ok
    assert (await glass.votes("dov", "deny", reason="wait")).ok
    await glass.starts()
    await glass.stage.ended(glass.run, "paused")
    assert (await glass.now()).state == "denied" and glass.stage.outside.effects == []


async def test_who_broke_it_can_take_it_back_before_the_start(glass: Glass) -> None:
    """Nobody's plain yes may then take the place of a word that was proven with a code: it is asked for again."""
    await glass.breaks("ben", "people")
    broken = await glass.now()
    assert "asked for again" in (await glass.revokes("ben")).text
    await glass.starts()
    again = await glass.stage.until(lambda tx: runs.open_approval(tx, glass.run))
    assert (again.mode, again.id != broken.id) == ("quorum", True)
    assert (await glass.stage.db.read(lambda tx: runs.approval(tx, broken.id))).state == "void"


async def test_who_leaves_the_group_before_the_start_does_not_start_it(glass: Glass) -> None:
    from storage import people

    await glass.breaks("ben", "people")
    broken = await glass.now()
    chi = glass.stage.persons["chi"]
    await glass.write(lambda tx: people.set_group(tx, "sre", {"policy": [chi]}))
    await glass.starts()
    again = await glass.stage.until(lambda tx: (a := runs.open_approval(tx, glass.run)) and a.id != broken.id and a)
    assert again.mode == "quorum" and glass.stage.outside.effects == []


async def test_granted_expired_and_missing_ones_are_not_broken(glass: Glass) -> None:
    await glass.votes("ben")
    await glass.votes("chi")
    assert "approved already" in (await glass.breaks("dov", "people")).text
    await glass.set(expires_at=glass.asked.opened_at, state="open")
    assert "It expired at" in (await glass.breaks("dov", "people")).text
    glass.run = "INC-404/1"
    assert "There is no run" in (await glass.breaks("dov", "people")).text
    assert [e.body["why"] for e in await glass.events("approval.break_refused")] == ["granted", "expired"]


async def test_decisions_cannot_be_broken(glass: Glass) -> None:
    actor = glass.stage.actor("ben")
    said = await glass.write(lambda tx: refuse_decision(tx, decision="D-7", actor=actor, via="test", reason="now!"))
    assert not said.ok and "never changes who approves" in said.text
    (event,) = await glass.stage.db.read(lambda tx: timeline.read(tx, "org", types=("decision.break_refused",)))
    assert (event.body["decision"], event.text("reason")) == ("D-7", "now!")


def test_what_binds_it_says_how_it_was_given() -> None:
    assert {"mode", "overrides"} <= rules.COVERS
