"""What a vote is bound to: another effect, another card or another text is another question."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from sqlalchemy import update

from playbooks.engine.library import BUILT_IN
from storage import runs
from storage.tables import runs as run_rows
from tests.conversations.test_approvals_votes import ANA, BEN, CHI, DOV, EVE, RUN, Box

NAME = "failover/rds-multi-az"


async def test_another_effect_voids_the_votes_and_asks_again(town: Any, muster: Any) -> None:
    """Between the first vote and the second the standby moves: what was approved is not what would happen."""
    await town.sb.group("sre", add=[DOV])
    box = await Box.asked(town)
    await box.press(BEN, "1 of 2")
    await town.sb.instance("orders-db", secondary_zone="eu-north-1c")
    await box.press(CHI, "it starts now")
    await box.state("void", 0)
    old = box.card
    box.card = await box.live(but=old.ts)
    assert "eu-north-1c" in box.card.plain and "0 of 2" in box.card.plain
    dead = await town.sb.wait_for("#incidents", lambda m: m.ts == old.ts and "void" in m.plain)
    assert not dead.buttons
    assert await town.reboots() == 0
    first, second = await box.approvals()
    assert (first.state, second.state) == ("void", "open") and first.digest != second.digest
    assert not await town.read(lambda tx: runs.votes_on(tx, second.id)), "no vote is carried over"
    await box.press(CHI, "1 of 2")
    await box.press(BEN, "it starts now")
    await box.ended()
    assert await town.writer_zone() == "eu-north-1c"
    await box.holds(*((who, "approve", True) for who in (BEN, CHI, BEN, CHI)), reboots=1)


async def test_a_target_that_moved_on_its_own_is_not_moved_back(town: Any, muster: Any) -> None:
    box = await Box.asked(town)
    await box.press(BEN, "1 of 2")
    await town.sb.instance("orders-db", zone="eu-north-1b", secondary_zone="eu-north-1a")
    await box.press(CHI, "it starts now")
    await box.state("void")
    await box.ended("paused")
    await town.sb.wait_for("#incidents", lambda m: "has moved already" in m.plain)
    assert await town.writer_zone() == "eu-north-1b"
    await box.holds((BEN, "approve", True), (CHI, "approve", True))


async def test_the_text_that_was_approved_runs_whatever_the_file_says_now(town: Any, tmp_path: Path) -> None:
    own = tmp_path / "own"
    (own / "failover").mkdir(parents=True)
    file = own / f"{NAME}.yaml"
    shutil.copy(BUILT_IN / f"{NAME}.yaml", file)
    app = await town.muster(muster_playbooks=str(own))
    before = app.library.find(NAME)
    box = await Box.asked(town)
    await box.press(BEN, "1 of 2")
    wrong = file.read_text().replace("${{ service.database.instance }}", "billing-db")
    file.write_text(wrong + "  - { id: more, uses: aws.rds_describe, with: { instance: billing-db } }\n")
    assert app.library.find(NAME).digest != before.digest, "the library reads the new text"
    await box.press(CHI, "it starts now")
    await box.ended()
    run = await town.read(lambda tx: runs.get(tx, RUN))
    assert (run.digest, run.text) == (before.digest, before.text)
    asked = (await box.approvals())[-1]
    assert asked.covers["playbook"] == before.digest
    calls = await town.sb.calls("aws")
    assert "billing-db" not in str(calls)
    await box.holds((BEN, "approve", True), (CHI, "approve", True), reboots=1)


async def test_buttons_of_an_old_card_are_dead(town: Any, muster: Any) -> None:
    """The old card's button was on somebody's screen: its press arrives after the new card is there."""
    box = await Box.asked(town)
    await box.press(BEN, "1 of 2")
    pressed = (await town.sb.deliveries("interactive"))[-1]["id"]
    await town.sb.instance("orders-db", secondary_zone="eu-north-1c")
    await box.press(CHI, "it starts now")
    await box.state("void", 0)
    box.card = await box.live(but=box.card.ts)
    before = {m.ts for m in await town.sb.messages("#incidents", BEN)}
    assert (await box.again(pressed, trigger_id="9.9.late")).acked
    await box.told(BEN, "This card is not current any more", before)
    assert not await town.read(lambda tx: runs.votes_on(tx, f"{RUN}/2"))
    await box.state("open")
    await box.holds((BEN, "approve", True), (CHI, "approve", True), (BEN, "approve", False))


async def test_a_button_counts_for_the_card_it_stands_on(town: Any, muster: Any) -> None:
    """Another run's card, whatever value a press on it carries, is no vote for this run; nor is an edited digest."""
    box = await Box.asked(town)
    channel = await town.declared("sev3 the other one is slow")
    other = await town.sb.wait_for(channel, lambda m: m.button("Resolve") is not None)
    mine = (await box.approvals())[0]
    await town.sb.click(EVE, channel, "Resolve", ts=other.ts)  # opens a form; its press is what is bent below
    theirs = (await town.sb.deliveries("interactive"))[-1]["id"]
    value = f"playbook approve {RUN} {mine.digest[:12]}"
    for number, line in enumerate((value, f"playbook approve {RUN}", f"playbook deny {RUN} {mine.digest[:12]} no")):
        said = await box.again(theirs, user__id=BEN, trigger_id=f"9.9.f{number}", actions__0__value=line)
        assert said.acked
    refused = await box.happened("approval.voted", 3)
    assert {(e.body["counted"], e.body["why"]) for e in refused} == {(False, "foreign card")}
    await box.press(BEN, "1 of 2")
    pressed = (await town.sb.deliveries("interactive"))[-1]["id"]
    forged = f"playbook approve {RUN} {'0' * 12}"
    assert (await box.again(pressed, user__id=CHI, trigger_id="9.9.z", actions__0__value=forged)).acked
    await box.happened("approval.voted", 5)
    await box.state("open")
    await box.holds(
        (BEN, "approve", True), (BEN, "approve", False), (BEN, "approve", False), (BEN, "deny", False),
        (CHI, "approve", False),
    )  # fmt: skip


async def test_a_second_request_for_the_same_database_waits_for_nobody(town: Any, muster: Any) -> None:
    """It is told who holds it; it has no approval of its own that could be mistaken for the first one's."""
    box = await Box.asked(town)
    await town.sb.type(DOV, "#incidents", f"/playbook run {NAME} service=checkout")
    held = await town.sb.wait_for("#incidents", lambda m: f"held by run {RUN}" in m.plain)
    assert "Ana" in held.plain
    assert [one.id for one in await box.approvals()] == [f"{RUN}/1"]
    await box.types(BEN, "/playbook approve org/2", "Nothing in org/2")
    await box.press(ANA, "does not count")
    await box.holds((BEN, "approve", False), (ANA, "approve", False))


MOVE = """name: mine/move
title: Move the writer
inputs:
  site: { type: site, description: where }
  zone: { type: string, description: where the writer is }
steps:
  - id: move
    uses: aws.rds_failover
    with: { instance: orders-db, from_zone: "${{ inputs.zone }}" }
"""


async def test_another_parameter_or_site_voids_the_votes_though_the_effect_is_the_same(
    town: Any, tmp_path: Path
) -> None:
    """What the run was given is changed behind everybody's back: first an input, then the site."""
    own = tmp_path / "own/mine"
    own.mkdir(parents=True)
    (own / "move.yaml").write_text(MOVE, encoding="utf-8")
    app = await town.muster(muster_playbooks=str(own.parent))
    await town.sb.type(ANA, "#incidents", "/playbook run mine/move site=primary zone=eu-north-1a")
    box = Box(town, await Box(town, None).live())  # type: ignore[arg-type]
    changes = ({"inputs": {"site": "primary", "zone": ""}}, {"site": "sandbox"})
    for number, change in enumerate(changes):
        old = box.card
        await box.press(BEN, "1 of 2")
        pressed = (await town.sb.deliveries("interactive"))[-1]["id"]
        await app.db.write(lambda tx, new=change: tx.conn.execute(update(run_rows).values(**new)) and None)
        await box.press(CHI, "it starts now")
        await box.state("void", number)
        box.card = await box.live(but=old.ts)
        assert "0 of 2" in box.card.plain
        before = {m.ts for m in await town.sb.messages("#incidents", BEN)}
        assert (await box.again(pressed, trigger_id=f"9.9.late{number}")).acked
        await box.told(BEN, "This card is not current any more", before)
    first, second, third = await box.approvals()
    assert len({one.digest for one in (first, second, third)}) == 3
    assert len({one.plan["effect"] for one in (first, second, third)}) == 1, "what would happen reads the same"
    zones = [one.covers["steps"][0]["params"]["from_zone"] for one in (first, second, third)]
    assert zones == ["eu-north-1a", "", ""]
    assert [one.covers["site"] for one in (first, second, third)] == ["primary", "primary", "sandbox"]
    await box.press(BEN, "1 of 2")
    await box.press(CHI, "it starts now")
    await box.ended()
    yes = [(who, "approve", True) for who in (BEN, CHI)] * 3
    await box.holds(*yes, *[(BEN, "approve", False)] * 2, reboots=1)
