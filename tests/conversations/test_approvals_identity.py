"""People, not accounts: two accounts joined by two people, group slots in any order, a new member vouched for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.conversations.test_approvals_policy import card, written
from tests.conversations.test_approvals_votes import BEN, CHI, DOV, EVE, Box

BENNY = "U0BENNY"
SLOTS = ("groups: {}                  ", "groups: { sre: 1, security: 1 }")
FROM = ("from: [sre]  ", "from: [sre, security]  ")


async def test_two_accounts_joined_by_an_administrator_and_another_have_one_vote(town: Any) -> None:
    """Ben's second account is a person of its own and both voted: granted by two accounts, it is open again."""
    await town.sb.user(BENNY, name="benny", real_name="Benny", email="benny@example.com")
    await town.sb.change_channel("incidents", add=[BENNY])
    await town.sb.group("sre", add=[BENNY])
    await town.muster()
    box = await Box.asked(town)
    await box.press(BENNY, "1 of 2")
    await box.types(EVE, f"/playbook join <@{BEN}> <@{BENNY}>", "D-1")
    shown = await card(town, "D-1", "become one person")
    await town.presses(EVE, "#incidents", "Confirm", shown, "Approving needs")
    await town.presses(BENNY, "#incidents", "Confirm", shown, "This is about you")
    await town.presses(BEN, "#incidents", "Confirm", shown, "1 of 2")
    await town.presses(CHI, "#incidents", "Confirm", shown, "one person now")
    assert await box.person(BEN) == await box.person(BENNY)
    now = await town.sb.wait_for("#incidents", lambda m: m.ts == box.card.ts and "0 of 2" in m.plain)
    assert now.button("Approve") is not None, "a vote of an account that is no person of its own any more is void"
    await box.press(BENNY, "1 of 2")
    await box.press(BEN, "already counts")
    await box.press(CHI, "it starts now")
    await box.ended()
    voted = await town.events("org", "approval.voted")
    ben = await box.person(BEN)
    assert [e.body["counted"] for e in voted] == [True, True, False, True]
    assert [e.body["person"] == ben for e in voted] == [False, True, True, False]
    (joined,) = await town.events("org", "account.joined")
    assert joined.body["person"] == ben and joined.body["counted_twice"] == []
    assert [e.body["counted"] for e in await town.events("org", "decision.voted")] == [False, False, True, True]
    assert await town.reboots() == 1
    await town.proven()


async def test_slots_fill_in_any_order_and_a_new_member_counts_once_vouched_for(town: Any, tmp_path: Path) -> None:
    """Chi is in both groups and fills one slot, whichever is needed. Dov joins security today."""
    await town.sb.group("security", add=[EVE])
    await town.muster(policy=written(tmp_path, "slots.yaml", SLOTS, FROM))
    box = await Box.asked(town)
    await town.sb.group("security", add=[DOV])
    await box.press(CHI, "1 of 2")
    await box.press(CHI, "already counts")
    await box.press(DOV, "two current approvers confirm it")
    await box.types(CHI, f"/playbook confirm-member <@{DOV}> security", "1 of 2 so far")
    shown = await card(town, "D-1", "Confirm Dov")
    await town.presses(DOV, "#incidents", "Confirm", shown, "This is about you")
    await town.presses(BEN, "#incidents", "Confirm", shown, "Approving needs `@security`")
    await town.presses(EVE, "#incidents", "Confirm", shown, "from now on")
    await box.press(DOV, "it starts now")  # Chi moves to the place of sre, Dov takes that of security
    await box.ended()
    await box.holds(
        (CHI, "approve", True), (CHI, "approve", False), (DOV, "approve", False), (DOV, "approve", True), reboots=1
    )
    (event,) = await town.events("org", "group.confirmed")
    assert len(event.body["by"]) == 2 and (await box.person(DOV)) not in event.body["by"]
