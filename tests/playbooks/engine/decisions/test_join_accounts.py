"""Two accounts become one human by an administrator and a second person: one vote, and what either may not, both may not."""

from __future__ import annotations

from typing import Any

import pytest

from playbooks.directory import Directory
from playbooks.engine.decisions import join_accounts
from playbooks.engine.decisions.join_accounts import Account
from playbooks.engine.requests import vote
from playbooks.errors import Refused
from playbooks.policy import parse_policy
from storage import joining, people, runs, timeline, verify
from tests.playbooks.engine.decisions.conftest import WITH_ADMIN

DESTROY = "  - {id: boom, uses: toy.destroy, with: {tag: boom}}\n"


async def ask(stage: Any, house: Any, who: str, kind: str, id: str, by: str = "ana") -> Any:
    person, asker = stage.persons[who], stage.persons[by]
    return await stage.db.write(
        lambda tx: join_accounts.ask(tx, house, person=person, account=Account(kind, id), asked_by=asker)
    )


async def owner(stage: Any, kind: str, id: str) -> Any:
    return await stage.db.read(lambda tx: people.account(tx, kind, id))


async def held(stage: Any, by: str = "ana") -> tuple[Any, str]:
    """A run that waits for approval, of an engine that stands still."""
    stage.outside.target = f"db-{len(stage.engines)}"
    engine = stage.engine()
    run = await stage.request(DESTROY, engine, by=by)
    await engine.start()
    await stage.held(run)
    await stage.until(lambda tx: runs.get(tx, run).state == "waiting")
    await engine.stop()
    return engine, run


async def votes(stage: Any, engine: Any, run: str, who: str) -> Any:
    actor = stage.actor(who)
    return await stage.db.write(
        lambda tx: vote(tx, engine, run=run, digest=None, actor=actor, choice="approve", via="test")
    )


async def test_it_takes_an_administrator_and_a_second_person(stage: Any, house: Any, says: Any) -> None:
    made = await ask(stage, house, "ben", "pagerduty", "PBEN")
    assert "Join the PagerDuty account PBEN to Ben" in made.body["title"]
    assert not (await says("eve")).ok
    await says("ben")
    said = await says("chi")
    assert said.ok and "administrator" in said.text and await owner(stage, "pagerduty", "PBEN") is None
    assert "one person now" in (await says("dov")).text
    found = await owner(stage, "pagerduty", "PBEN")
    assert (found.person, found.state) == (stage.persons["ben"], "member")
    (told,) = await stage.db.read(lambda tx: timeline.read(tx, "org", types=("account.joined",)))
    assert told.body["person"] == stage.persons["ben"] and "PBEN" not in str(told.body)
    with pytest.raises(Refused, match="already"):
        await ask(stage, house, "ben", "pagerduty", "PBEN")


async def test_two_persons_become_one_with_the_older_membership(stage: Any, house: Any, says: Any) -> None:
    """Chi has a second account that acts as a person of its own. Both voted; from then on it is one vote."""
    engine, run = await held(stage)
    for who in ("ben", "chi"):
        await votes(stage, engine, run, who)
    assert (await stage.db.read(lambda tx: runs.open_approval(tx, run))).state == "granted"
    ben, chi = stage.persons["ben"], stage.persons["chi"]
    await ask(stage, house, "ben", "slack", "T1/UCHI", by="dov")
    said = await says("eve")
    assert not said.ok
    said = await says("ben")
    assert said.ok and f"{run}/1 counts 1 of 2 now" in said.text
    asked = await stage.db.read(lambda tx: runs.open_approval(tx, run))
    assert asked.state == "open", "granted by one human only is not granted"
    again = await votes(stage, engine, run, "ben")
    assert "already counts" in again.text
    stage.persons["chi"] = (await owner(stage, "slack", "T1/UCHI")).person
    assert stage.persons["chi"] == ben
    assert "already counts" in (await votes(stage, engine, run, "chi")).text, "with whichever account"
    assert "it starts now" in (await votes(stage, engine, run, "dov")).text
    assert await stage.db.read(lambda tx: joining.same(tx, [chi, ben])) == {chi: ben, ben: ben}
    recounted = await stage.db.read(lambda tx: timeline.read(tx, "org", types=("approval.recounted",)))
    assert [e.body["dropped"] for e in recounted] == [[chi]]
    for verdict in await stage.db.read(verify.check_database):
        assert verdict.ok, verdict.bad


async def test_who_asked_under_a_former_name_still_asked(stage: Any, house: Any, says: Any) -> None:
    """Ana asked; it turns out that Ana is Ben. Ben's yes goes, now and for the next attempt."""
    engine, run = await held(stage)
    await votes(stage, engine, run, "ben")
    await ask(stage, house, "ben", "slack", "T1/UANA", by="dov")
    said = await says("chi")
    assert said.ok, said.text
    asked = await stage.db.read(lambda tx: runs.open_approval(tx, run))
    assert asked.barred[stage.persons["ben"]] == "requester"
    refused = await votes(stage, engine, run, "ben")
    assert not refused.ok and "You asked for this run" in refused.text
    _, later = await held(stage)
    anew = await stage.db.read(lambda tx: runs.open_approval(tx, later))
    assert anew.barred[stage.persons["ben"]] == "requester", "also where the former name asks from now on"
    carried = await stage.db.read(lambda tx: joining.carried(tx, {stage.persons["ana"]: "retry"}))
    assert carried == {stage.persons["ana"]: "retry", stage.persons["ben"]: "retry"}


async def test_what_was_counted_twice_is_said(stage: Any, house: Any, says: Any) -> None:
    engine, run = await held(stage)
    for who in ("ben", "chi"):
        await votes(stage, engine, run, who)
    second = stage.engine("r2")
    await second.start()
    await stage.ended(run)
    await second.stop()
    await ask(stage, house, "ben", "slack", "T1/UCHI", by="dov")
    said = await says("ben")
    assert said.ok and f"Both had approved {run}/1 as two people" in said.text


@pytest.mark.parametrize(
    ("state", "words"), [("bot", "nobody is a bot"), ("external", ""), ("guest", ""), ("deactivated", "")]
)
async def test_accounts_that_never_vote(stage: Any, house: Any, says: Any, state: str, words: str) -> None:
    """A guest's or stranger's account is known to be theirs from then on, and stays what it is."""
    await stage.db.write(lambda tx: people.believe(tx, "slack", "T9/UX", state=state, name="X"))
    if words:
        with pytest.raises(Refused, match=words):
            await ask(stage, house, "ben", "slack", "T9/UX")
        return
    await ask(stage, house, "ben", "slack", "T9/UX", by="dov")
    await says("chi")
    found = await owner(stage, "slack", "T9/UX")
    assert (found.person, found.state) == (stage.persons["ben"], state)
    actor = await stage.db.read(
        lambda tx: Directory(stage.db, None, None, "T1").actor(tx, "slack", "T9/UX", stage.policy)
    )
    assert actor.person is None and actor.seen_as == stage.persons["ben"]


async def test_what_cannot_be_joined(stage: Any, house: Any) -> None:
    with pytest.raises(Refused, match="never seen"):
        await ask(stage, house, "ben", "slack", "T1/UNOBODY")
    with pytest.raises(Refused, match="already"):
        await ask(stage, house, "ben", "slack", "T1/UBEN")
    house.policy = parse_policy(WITH_ADMIN.replace("chi: {slack: UCHI}", "chi: {slack: UCHI, pagerduty: PCHI}"))
    house.directory = Directory(stage.db, None, None, "T1")
    with pytest.raises(Refused, match="policy says"):
        await ask(stage, house, "ben", "pagerduty", "PCHI")
    await stage.db.write(lambda tx: people.believe(tx, "slack", "T1/UBEN", state=people.GUEST))
    with pytest.raises(Refused, match="no full member"):
        await ask(stage, house, "ben", "pagerduty", "PX")


async def test_an_account_that_changed_hands_meanwhile_is_asked_for_anew(stage: Any, house: Any, says: Any) -> None:
    await stage.db.write(lambda tx: people.believe(tx, "slack", "T1/UNEW", state=people.MEMBER, name="New"))
    await ask(stage, house, "ben", "slack", "T1/UNEW", by="dov")
    await stage.db.write(lambda tx: joining.take_over(tx, "slack", "T1/UNEW", stage.persons["eve"]))
    said = await says("chi")
    assert not said.ok and "somebody else by now" in said.text
