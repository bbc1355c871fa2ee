"""One person alone, from outside: glass that is broken, a key that is closed; told, reviewed, and opened by two again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bot.app import App
from playbooks.connectors.aws import Aws
from playbooks.engine import approvals as rules
from storage import reviews, runs
from storage.sealing import Seal, new_key
from tests.conversations.conftest import POLICY
from tests.conversations.test_approvals_votes import ANA, BEN, CHI, DOV, EVE, RUN, Box
from tests.phone import Phone
from tests.playbooks.actions.aws.keys import made_key

KEY = new_key()
SEAL = Seal(KEY)


@pytest.fixture
async def app(town: Any) -> App:
    """A Muster that can check codes."""
    made: App = await town.muster(muster_key=KEY)
    return made


async def _told_in(town: Any, channel: str, words: str, user: str | None = None) -> Any:
    return await town.sb.wait_for(channel, lambda m: words in m.plain and not m.ephemeral_for, as_user=user, timeout=30)


async def test_a_quorum_nobody_can_reach_is_broken_by_one(town: Any, app: App) -> None:
    await town.sb.group("sre", remove=[CHI])
    await town.sb.type(ANA, "#incidents", "/playbook run failover/rds-multi-az service=checkout")
    box = Box(town, None)  # type: ignore[arg-type]
    await box.told(ANA, "nobody can complete it now", set())
    box.card = await box.live()
    assert "The quorum cannot be reached" in box.card.plain and box.card.button("Break glass") is not None
    ben = await Phone.of(app.db, SEAL, str(await box.person(BEN)))
    await town.sb.click(BEN, "#incidents", "Break glass", ts=box.card.ts)
    (view,) = await town.sb.wait_until(lambda: town.sb.views(BEN))
    before = {m.ts for m in await town.sb.messages("#incidents", BEN)}
    code = await ben.code()
    await town.sb.submit(BEN, {"reason": "Chi is on a plane <!channel>", "code": code}, view_id=view.id)
    await box.told(BEN, "Glass broken", before)
    await box.ended()
    post = await _told_in(town, "#incidents", "broke the glass for org/1")
    assert "Set aside: people" in post.plain and "<!channel>" not in post.text
    old, new = await box.approvals()
    assert (old.state, new.state, new.mode) == ("void", "used", "break-glass")
    assert new.digest != old.digest
    await town.sb.wait_for("#incidents", lambda m: "Glass broken" in m.plain and "started" in m.plain, timeout=30)
    await town.sb.wait_for("#incidents", lambda m: m.button("Accept") is not None, timeout=30)
    for user, words in ((BEN, "decided this yourself"), (ANA, "You asked for this run"), (EVE, "Reviewing needs")):
        await box.types(user, f"/playbook review {RUN} accept", words)
    await box.types(CHI, f"/playbook review {RUN} accept", "Reviewed")
    (review,) = await town.read(lambda tx: reviews.of_run(tx, RUN))
    assert (review.state, review.reviewed_by) == ("accepted", await box.person(CHI))
    await box.types(EVE, f"/playbook break-glass {RUN} rules=people because", "Nothing in org/1")
    await box.types(BEN, "/playbook break-glass D-7 the policy is in the way", "never changes who approves")
    refused = await town.events("org", "approval.break_refused", "decision.break_refused", "review.refused")
    assert len(refused) == 5
    (voted,) = await town.read(lambda tx: runs.votes_on(tx, new.id))
    assert (voted.person, voted.proof, voted.reason) == (ben.person, "totp", "Chi is on a plane <!channel>")
    assert code not in str([e.body for e in await town.events("org")])
    assert rules.digest(new.covers) == new.digest and new.covers["steps"] == old.covers["steps"]
    (broken,) = await town.events("org", "approval.broken")
    assert (broken.body["digest"], broken.body["of"], broken.actor) == (new.digest, old.id, ben.person)
    step = (await town.read(lambda tx: runs.steps_of(tx, RUN)))[new.idx - 1]
    assert {"attempt": step.attempt, **step.params} == new.covers["steps"][0]["params"]
    assert await town.events("org", "approval.voted") == [] and await town.reboots() == 1
    await town.proven()


async def test_one_person_closes_a_key_and_two_open_it_again(town: Any, app: App) -> None:
    box = Box(town, None)  # type: ignore[arg-type]
    aws: Aws = app.house.engine.house.tools[Aws]
    await town.sandbox.aws.start()
    key = await made_key(aws)
    await town.sb.type(BEN, "#incidents", f"/playbook run contain/deactivate-key key={key}")
    box.card = await box.live()
    assert "Only closes access" in box.card.plain and "one person is enough" in box.card.plain
    await box.types(CHI, f"/playbook approve {RUN}", "needs a one-time code")
    await town.says(ANA, "#incidents", "/incident list", "")
    ana = await Phone.of(app.db, SEAL, str(await box.person(ANA)))
    await box.types(ANA, f"/playbook approve {RUN} code={await ana.code()}", "Approving needs")
    assert (await aws.iam_access_key(key)).active
    ben = await Phone.of(app.db, SEAL, str(await box.person(BEN)))
    await box.types(BEN, f"/playbook approve {RUN} code={await ben.code()}", "1 of 1: it starts now")
    await box.ended()
    assert not (await aws.iam_access_key(key)).active
    await _told_in(town, "#incidents", "alone approved, for org/1")
    (review,) = await town.read(lambda tx: reviews.of_run(tx, RUN))
    assert (review.kind, review.state, review.person) == ("contain", "open", ben.person)
    await box.types(BEN, f"/playbook review {RUN} accept", "decided this yourself")
    await box.types(CHI, f"/playbook review {RUN} object it was the wrong key", "everyone is told")
    await _told_in(town, "#incidents", "it was the wrong key")
    closed = box.card.ts
    await town.sb.type(ANA, "#incidents", f"/playbook run contain/reactivate-key key={key}")
    box.card = await box.live(but=closed)
    await box.press(BEN, "1 of 2")
    assert not (await aws.iam_access_key(key)).active
    await box.press(CHI, "it starts now")

    async def active() -> bool:
        return (await aws.iam_access_key(key)).active

    await town.sb.wait_until(active, timeout=30)
    voted = [(e.body["approval"], e.body["counted"]) for e in await town.events("org", "approval.voted")]
    closing, opening = f"{RUN}/1", voted[-1][0]
    assert voted == [(closing, False), (closing, False), (closing, True), (opening, True), (opening, True)]
    asked = await town.read(lambda tx: runs.approval(tx, closing))
    assert (asked.mode, asked.state, rules.digest(asked.covers)) == ("contain", "used", asked.digest)
    await town.proven()


IRREVERSIBLE = """name: mine/for-good
title: For good
inputs:
  service: { type: service, description: whose database }
steps:
  - id: boom
    uses: aws.rds_failover
    risk: irreversible
    with: { instance: "${{ service.database.instance }}" }
"""


async def test_small_teams_the_asker_is_one_of_two_for_recoverable_effects_only(town: Any, tmp_path: Path) -> None:
    text = POLICY.read_text(encoding="utf-8").replace("  requester: never ", "  requester: recoverable ")
    (tmp_path / "mine/mine").mkdir(parents=True)
    (tmp_path / "mine/mine/for-good.yaml").write_text(IRREVERSIBLE, encoding="utf-8")
    file = tmp_path / "muster.yaml"
    file.write_text(text.replace("playbooks: []", "playbooks: [mine]"), encoding="utf-8")
    await town.sb.group("sre", add=[ANA, DOV])
    await town.muster(policy=file)
    box = await Box.asked(town)
    await box.press(ANA, "1 of 2")
    await box.press(BEN, "it starts now")
    await box.ended()
    first = box.card.ts
    await town.sb.type(ANA, "#incidents", "/playbook run mine/for-good service=checkout")
    box.card = await box.live(but=first)
    assert "cannot be undone" in box.card.plain
    await box.press(ANA, "your approval does not count")
    await box.press(BEN, "1 of 2")
    await box.press(CHI, "it starts now")

    async def twice() -> bool:
        return await town.reboots() == 2

    await town.sb.wait_until(twice, timeout=30)
    voted = await town.events("org", "approval.voted")
    assert [event.body["counted"] for event in voted] == [True, True, False, True, True]
    assert voted[2].body["why"] == "barred"
    await town.proven()
