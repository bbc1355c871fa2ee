"""A changed policy file proposes; people decide on a card; every replica follows; what was asked before keeps its rule."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bot import cli_policy, doctor
from bot.sandbox.client import Message
from storage import decisions, policies
from tests.conversations.conftest import POLICY
from tests.conversations.test_approvals_votes import BEN, CHI, EVE, Box


def written(folder: Path, name: str, *changes: tuple[str, str]) -> Path:
    """The example policy, changed."""
    text = POLICY.read_text(encoding="utf-8")
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


STRICT = ("\n  people: 2 ", "\n  people: 3 ")
LOOSE = ("from: [sre]  ", "from: [everyone]  ")


async def card(town: Any, id: str, wanted: str = "") -> Message:
    """The card of a decision."""
    found: Message = await town.sb.wait_for(
        "#incidents", lambda m: f"*{id} ·" in m.plain and wanted in m.plain, timeout=30
    )
    return found


async def state(town: Any, id: str, wanted: str) -> None:
    """Wait until a decision is in this state."""

    async def look() -> bool:
        found = await town.read(lambda tx: decisions.get(tx, id))
        return found is not None and found.state == wanted

    await town.sb.wait_until(look, timeout=30)


async def ruled_by(town: Any, people: int) -> None:
    """Every replica asks so many people from now on."""

    async def look() -> bool:
        return all(app.house.policy.approvals.people == people for app in town.apps) and all(
            app.engine.house.policy.approvals.people == people for app in town.apps
        )

    await town.sb.wait_until(look, timeout=60)


async def test_a_changed_file_rules_only_once_people_agree(town: Any, tmp_path: Path) -> None:
    """Two files are found, on PostgreSQL by two replicas at once. One is approved, which voids the other."""
    first = await town.muster()
    box = await Box.asked(town)
    await first.stop()
    town.apps.remove(first)
    strict, loose = written(tmp_path, "strict.yaml", STRICT), written(tmp_path, "loose.yaml", LOOSE)
    files = [strict, loose]
    if town.url.startswith("sqlite"):  # one process at a time
        gone = await town.muster(replica="two", policy=loose)
        await card(town, "D-1")
        await gone.stop()
        town.apps.remove(gone)
        files = [strict]
    for number, file in enumerate(files):
        await town.muster(replica=f"r{number}", policy=file)
    known = {
        one.body["shown"]: one.id
        for one in await town.read(decisions.recent) if one.kind == "policy"
    }  # fmt: skip
    mine, other = known["• approvals.people: 2 → 3"], known["• approvals.from: sre → everyone"]
    await ruled_by(town, 2)
    shown = await card(town, mine)
    assert "approvals.people: 2 → 3" in shown.plain and "asked by *Muster*" in shown.plain

    await town.presses(EVE, "#incidents", "Confirm", shown, "Approving needs `@sre`")
    await town.presses(BEN, "#incidents", "Confirm", shown, "1 of 2")
    await town.presses(BEN, "#incidents", "Confirm", shown, "already counts")
    await box.press(BEN, "1 of 2")  # the open request goes on under its rule
    await town.presses(CHI, "#incidents", "Confirm", shown, "from now on")
    await ruled_by(town, 3)
    assert "void" in (await card(town, other, "void")).plain
    assert not (await card(town, mine, "done")).buttons
    await state(town, other, "void")

    await box.press(CHI, "it starts now")
    await box.ended()
    asked = (await box.approvals())[0]
    assert asked.rule["people"] == 2 and asked.state == "used", "an open request keeps its rule"
    again = await Box.asked(town)
    assert "of 3 from" in again.card.plain
    ruling = await town.read(policies.active)
    assert ruling.sections["approvals"]["people"] == 3
    told = await town.events("org", "decision.voted")
    assert sorted(e.body["counted"] for e in told) == [False, False, True, True]
    assert [e.body["decision"] for e in await town.events("org", "policy.approved")] == [mine]
    assert await town.reboots() == 1
    await town.proven()


async def test_a_rejected_file_changes_nothing_until_somebody_proposes_it(
    town: Any, tmp_path: Path, capsys: Any
) -> None:
    first = await town.muster()
    await town.says(EVE, "#incidents", "/playbook decisions", "Nothing waits")
    await first.stop()
    town.apps.remove(first)
    file = written(tmp_path, "loose.yaml", LOOSE)
    app = await town.muster(policy=file)
    shown = await card(town, "D-1")
    said = await cli_policy.show(app.settings)
    out = capsys.readouterr().out
    assert said == 1 and "approvals.from: sre → everyone" in out and "D-1: 0 of 2 so far" in out
    findings = {one.what: one for one in await doctor.examine(app.settings)}
    assert findings["Policy in force"].state == "warning" and "D-1" in findings["Policy in force"].text
    assert "2 of Ben" not in findings["Quorum of checkout"].text, "by what rules, where only Ben and Chi can"

    await town.sb.click(BEN, "#incidents", "Reject", ts=shown.ts)
    (view,) = await town.sb.wait_until(lambda: town.sb.views(BEN))
    await town.sb.submit(BEN, {"reason": "nobody asked us"}, view_id=view.id)
    await state(town, "D-1", "denied")
    assert "nobody asked us" in (await card(town, "D-1", "rejected")).plain
    await app.stop()
    town.apps.remove(app)
    app = await town.muster(policy=file)
    assert await town.read(lambda tx: decisions.get(tx, "D-2")) is None, "no means no"
    box = await Box.asked(town)
    await box.press(EVE, "Approving needs `@sre`")
    assert await cli_policy.propose(app.settings) == 0
    await card(town, "D-2")
    await box.holds((EVE, "approve", False))
