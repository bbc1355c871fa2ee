"""Stages and undo from outside: one card for two steps, asked again where it turns out otherwise; taken back by two.

Does not belong here: what is bound of a stage, case by case (tests/playbooks/engine/test_covering.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bot.app import App
from bot.sandbox.client import Message
from playbooks.connectors.aws import Aws
from playbooks.engine import approvals as rules
from storage import incidents, runs
from storage.sealing import Seal, new_key
from tests.conversations.test_approvals_votes import ANA, BEN, CHI, RUN, Box
from tests.phone import Phone
from tests.playbooks.actions.aws.keys import made_key

KEY = new_key()
SEAL = Seal(KEY)
CUTOVER = """name: mine/cutover
title: Move the writer, then let the job in again
inputs:
  service: { type: service, description: whose database }
  key: { type: string, description: the job's access key }
steps:
  - id: move
    stage: cutover
    uses: aws.rds_failover
    with: { instance: "${{ service.database.instance }}" }
  - id: open
    stage: cutover
    uses: aws.iam_activate_key
    with: { key: "${{ inputs.key }}" }
"""
BACK = """name: mine/there-and-back
title: Move the writer, repair the other half, move it back
steps:
  - { id: move, stage: both, uses: aws.rds_failover, with: { instance: orders-db } }
  - { id: repaired, stage: both, uses: human.confirm, with: { question: Is the other half repaired? } }
  - { id: seen, stage: both, uses: aws.rds_describe, with: { instance: orders-db } }
  - id: back
    stage: both
    uses: aws.rds_failover
    with: { instance: orders-db, from_zone: "${{ steps.seen.outputs.writer_zone }}" }
    constraint:
      targets: ["rds:orders-db"]
      inputs:
        from_zone: { one-of: [eu-north-1b] }
"""


@pytest.fixture
async def app(town: Any, tmp_path: Path) -> App:
    """A Muster with playbooks of its own, which can check codes."""
    own = tmp_path / "own/mine"
    own.mkdir(parents=True)
    (own / "cutover.yaml").write_text(CUTOVER, encoding="utf-8")
    (own / "there-and-back.yaml").write_text(BACK, encoding="utf-8")
    made: App = await town.muster(muster_playbooks=str(own.parent), muster_key=KEY)
    return made


@dataclass
class Inside(Box):
    """Runs of an incident, one after the other; run: the one that is looked at."""

    run: str = ""

    @classmethod
    async def of(cls, town: Any, line: str) -> Inside:
        """An incident whose channel Ben and Chi read."""
        channel = await town.declared(line)
        await town.sb.change_channel(channel.removeprefix("#"), add=[BEN, CHI])
        return cls(town, None, channel)  # type: ignore[arg-type]

    async def approvals(self) -> list[runs.Approval]:
        return list(await self.town.read(lambda tx: runs.approvals_of(tx, self.run)))

    async def ended(self, wanted: str = "succeeded") -> None:
        async def look() -> bool:
            return bool((await self.town.read(lambda tx: runs.get(tx, self.run))).state == wanted)

        await self.town.sb.wait_until(look, timeout=60)

    async def begins(self, user: str, line: str, old: str = "") -> None:
        """Type what asks for a run, and wait for its approval card. old: the ts of the card before."""
        await self.town.sb.type(user, self.channel, line)
        self.card = await self.live(but=old)
        (self.run,) = await self.town.read(
            lambda tx: [run.id for run in runs.of_incident(tx, "INC-1") if runs.open_approval(tx, run.id)]
        )

    async def closes(self, phone: Phone, key: str) -> str:
        """Ben closes a key alone; the run that did it, once the cards say what is left over."""
        await self.begins(BEN, f"/playbook run contain/deactivate-key key={key}", self.card.ts if self.card else "")
        await self.types(BEN, f"/playbook approve {self.run} code={await phone.code()}", "1 of 1: it starts now")
        await self.ended()
        await self.shows(f"Leftovers: {self.run} aws.iam_deactivate_key", "Left over: step 1 aws.iam_deactivate_key")
        return self.run

    async def shows(self, board: str, card: str = "", gone: str = "", run: str = "") -> None:
        """Wait until the board says so, and the card of the run too. gone: what it says no more."""
        run = run or self.run

        def fits(shown: Message) -> bool:
            mine = run in shown.plain and "contain/deactivate-key" in shown.plain and "finished" in shown.plain
            return mine and card in shown.plain and not (gone and gone in shown.plain)

        await self.town.sb.wait_for(self.channel, lambda m: board in m.plain and "Runs: " in m.plain, timeout=30)
        await self.town.sb.wait_for(self.channel, fits, timeout=30)


async def activations(town: Any) -> list[str]:
    """The keys that AWS was told to activate, in order."""
    calls = [call["arguments"]["parameters"] for call in await town.sb.calls("aws", "UpdateAccessKey")]
    return [call["AccessKeyId"] for call in calls if call["Status"] == "Active"]


async def test_one_card_covers_both_steps_and_each_happens_once(town: Any, app: App) -> None:
    aws: Aws = app.house.engine.house.tools[Aws]
    key = await made_key(aws)
    await aws.iam_set_access_key("deploy", key, active=False)
    box = await Inside.of(town, "sev3 checkout moves service=checkout")
    await box.begins(ANA, f"/playbook run mine/cutover service=checkout key={key}")
    shown = box.card.plain
    assert "steps 1 and 2 of 2 · stage cutover" in shown and "One yes covers each of these once" in shown
    move = shown.index("1 aws.rds_failover: *Reboot orders-db with failover: eu-north-1a → eu-north-1b")
    assert move < shown.index(f"2 aws.iam_activate_key: *Activate the access key {key} of deploy again")
    await box.press(ANA, "You asked for this run")
    await box.press(BEN, "1 of 2")
    assert (await town.reboots(), await activations(town)) == (0, [])
    await box.press(CHI, "it starts now")
    await box.ended()
    assert (await town.reboots(), await activations(town)) == (1, [key])
    assert await town.writer_zone() == "eu-north-1b" and (await aws.iam_access_key(key)).active

    (asked,) = await box.approvals()
    assert asked.state == "used" and rules.digest(asked.covers) == asked.digest
    steps = await town.read(lambda tx: runs.steps_of(tx, box.run))
    assert [part["params"] for part in asked.covers["steps"]] == [{"attempt": 1, **step.params} for step in steps]
    cards = [m for m in await town.sb.messages(box.channel) if "stage cutover" in m.plain]
    assert [m.ts for m in cards] == [box.card.ts], "one card for both"
    voted = [e.body["counted"] for e in await town.events("INC-1", "approval.voted")]
    assert voted == [False, True, True]
    started = [e for e in await town.events("INC-1", "step.started") if e.body["run"] == box.run]
    assert [(e.body["step"], e.body["approval"]) for e in started] == [(1, asked.id), (2, asked.id)]
    what = f"approval {asked.id} of {box.run} steps 1 and 2"
    (requested,) = [e for e in await town.events("INC-1", "approval.requested") if e.body["approval"] == asked.id]
    (granted,) = await town.events("INC-1", "approval.granted")
    for event, words in (
        (requested, f"*Ana* asked for {what}"),
        (granted, f"{what} is granted"),
        (started[1], f"{box.run} step 2 aws.iam_activate_key started, approved by {asked.id}"),
    ):
        await town.says(BEN, box.channel, f"/incident timeline after={event.seq - 1}", words)
    await town.proven()


async def test_a_step_outside_its_constraint_asks_again_and_the_old_button_is_dead(town: Any, app: App) -> None:
    box = Box(town, None)  # type: ignore[arg-type]
    await town.sb.type(ANA, "#incidents", "/playbook run mine/there-and-back")
    box.card = old = await box.live()
    assert "steps 1 and 4 of 4 · stage both" in old.plain and "from_zone is eu-north-1b" in old.plain
    await box.press(BEN, "1 of 2")
    pressed = (await town.sb.deliveries("interactive"))[-1]["id"]
    await box.press(CHI, "it starts now")
    question = await town.sb.wait_for("#incidents", lambda m: m.button("Yes") is not None, timeout=30)
    assert await town.writer_zone() == "eu-north-1b"
    await town.sb.instance("orders-db", zone="eu-north-1c", secondary_zone="eu-north-1a")
    await town.sb.click(BEN, "#incidents", "Yes", ts=question.ts)  # in place of the commander, whom an org run lacks
    box.card = await box.live(but=old.ts)
    assert "step 4 of 4" in box.card.plain and "eu-north-1c → eu-north-1a" in box.card.plain
    assert "0 of 2" in box.card.plain
    await town.sb.wait_for("#incidents", lambda m: m.ts == old.ts and "void" in m.plain and not m.buttons, timeout=30)
    first, second = await box.approvals()
    assert (first.state, second.state) == ("void", "open") and first.digest != second.digest
    before = {m.ts for m in await town.sb.messages("#incidents", BEN)}
    assert (await box.again(pressed, trigger_id="9.9.late")).acked
    await box.told(BEN, "This card is not current any more", before)
    assert not await town.read(lambda tx: runs.votes_on(tx, second.id)), "no vote is carried over"
    assert await town.reboots() == 1
    await box.press(CHI, "1 of 2")
    await box.press(BEN, "it starts now")
    await box.ended()
    assert (await town.reboots(), await town.writer_zone()) == (2, "eu-north-1a")
    started = [e for e in await town.events("org", "step.started") if e.body["uses"] == "aws.rds_failover"]
    assert [(e.body["step"], e.body["approval"]) for e in started] == [(1, f"{RUN}/1"), (4, f"{RUN}/2")]
    await town.proven()


async def accepts_and_resolves(town: Any, channel: str, run: str) -> None:
    """Resolving asks about what is left over; it is accepted in a form, which arrives twice; then it is resolved."""
    sb = town.sb
    listed = await town.says(CHI, channel, "/incident resolve the keys are new", "*: 1 change is left over")
    assert f"1. *{run}* step 1 `aws.iam_deactivate_key` since " in listed.plain
    assert [listed.button(one) is not None for one in ("Undo 1", "Accept 1", "Accept all and resolve")] == [True] * 3
    assert (await town.read(lambda tx: incidents.get(tx, "INC-1"))).open
    before = {m.ts for m in await sb.messages(channel, CHI)}
    await sb.click(CHI, channel, "Accept 1", ts=listed.ts)
    view = await sb.wait_until(lambda: _view(sb))
    await sb.submit(CHI, {"reason": "it was leaked"}, view_id=view.id)
    await sb.wait_for(channel, lambda m: m.ts not in before and "changed stays" in m.plain, as_user=CHI)
    await sb.redeliver((await sb.deliveries("interactive"))[-1]["id"])
    done = await town.says(CHI, channel, "/incident resolve the keys are new", "INC-1 resolved")
    assert f"Left behind: {run} step 1 `aws.iam_deactivate_key` (accepted by Chi)" in done.plain


async def _view(sb: Any) -> Any:
    return next(iter(await sb.views(CHI)), None)


async def test_what_one_closed_two_open_again_and_the_other_stays(town: Any, app: App) -> None:
    aws: Aws = app.house.engine.house.tools[Aws]
    good, leaked = await made_key(aws), await made_key(aws, "batch")
    box = await Inside.of(town, "sev3 a key was seen in a log service=checkout")
    await town.says(BEN, box.channel, "/incident list", "")
    phone = await Phone.of(app.db, SEAL, str(await box.person(BEN)))
    closed = await box.closes(phone, good)
    assert not (await aws.iam_access_key(good)).active

    await box.begins(ANA, f"/playbook undo {closed} step=1 it was in good hands", box.card.ts)
    assert box.run != closed and "aws.iam_deactivate_key.undo" in box.card.plain
    assert f"Activate the access key {good} of deploy again" in box.card.plain
    await box.press(ANA, "You asked for this run")
    await box.press(BEN, "1 of 2")
    assert await activations(town) == []
    await box.shows(f"Leftovers: {closed} aws.iam_deactivate_key", "Left over", run=closed)
    await box.press(CHI, "it starts now")
    await box.ended()
    assert await activations(town) == [good] and (await aws.iam_access_key(good)).active
    await box.shows("Leftovers: none", gone="Left over", run=closed)
    await box.types(ANA, f"/playbook undo {closed} step=1 once more", f"taken back already, by {box.run}")
    (asked,) = await town.events("INC-1", "step.undo_asked")
    assert (asked.body["by"], asked.text("reason")) == (box.run, "it was in good hands")

    second = await box.closes(phone, leaked)
    await accepts_and_resolves(town, box.channel, second)
    await box.shows("Leftovers: none", gone="Left over")
    await box.types(CHI, f"/playbook accept {closed} step=1 twice", "left nothing behind")
    (accepted,) = await town.events("INC-1", "step.accepted")
    assert accepted.text("reason") == "it was leaked"
    assert (accepted.actor, accepted.body["run"]) == (await box.person(CHI), second)
    assert await activations(town) == [good] and not (await aws.iam_access_key(leaked)).active
    await town.proven()
