"""Who may approve is asked again at the start: people who left, came late, or could not be looked at."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from storage import people
from storage.tables import accounts, memberships, runs
from tests.conversations.test_approvals_votes import ANA, BEN, CHI, DOV, RUN, TEAM, Box

DESCRIBE = "DescribeDBInstances"
_CALLS = runs.select().where(runs.c.playbook == "comms/page-approvers").order_by(runs.c.number)


async def _granted(town: Any, box: Box) -> None:
    """Ben and Chi agreed; Muster looks once more before it starts, and that look takes its time."""
    await box.press(BEN, "1 of 2")
    await town.sb.latency("aws", 30.0, DESCRIBE)
    await town.sb.click(CHI, "#incidents", "Approve", ts=box.card.ts)
    await box.happened("approval.granted")


async def _recounted(town: Any, box: Box, *dropped: str) -> None:
    """The start counted again and did not happen: the card can be pressed, whoever is left to ask is called."""
    await town.sb.latency("aws", 0, DESCRIBE)  # the look comes to its end
    (event,) = await box.happened("approval.recounted")
    assert event.body["dropped"] == sorted([str(await box.person(user)) for user in dropped])
    await box.state("open")
    assert await town.reboots() == 0
    await town.sb.wait_for("#incidents", lambda m: m.ts == box.card.ts and m.button("Approve") is not None)


async def _known(town: Any, box: Box, user: str) -> None:
    """Muster has heard from Slack that somebody is no member any more, while it still looks at AWS."""
    person = await box.person(user)

    def work(tx: Any) -> bool:
        mine = people.account(tx, "slack", f"{TEAM}/{user}")
        in_group = person in {one.person for one in people.members(tx, "sre")}
        return not in_group or mine is None or mine.state != people.MEMBER

    await town.sb.wait_until(lambda: town.read(work))


async def _lately(town: Any, box: Box, user: str) -> None:
    """Make a membership as old as those that count."""
    person = await box.person(user)

    def work(tx: Any) -> None:
        mine = memberships.c.person == person
        tx.conn.execute(memberships.update().where(mine).values(added_at=tx.now - timedelta(days=2)))

    await town.apps[0].db.write(work)


async def test_an_approver_taken_out_of_the_group_before_the_start_is_dropped(town: Any) -> None:
    await town.sb.group("sre", add=[DOV])
    await town.muster()
    box = await Box.asked(town)
    await _granted(town, box)
    await town.sb.group("sre", remove=[BEN])
    await _known(town, box, BEN)
    await _recounted(town, box, BEN)
    called = await town.read(lambda tx: tx.conn.execute(_CALLS).mappings().all())
    assert [row["inputs"]["users"] for row in called][1:] == [[DOV]], "who is missing is called, not who voted"
    await box.press(BEN, "Approving needs `@sre`")
    await box.press(CHI, "already counts")
    await town.sb.wait_for("#incidents", lambda m: m.ts == box.card.ts and m.button("Approve") and "1 of 2" in m.plain)
    await box.press(DOV, "it starts now")
    await box.ended()
    await box.holds(
        (BEN, "approve", True), (CHI, "approve", True), (BEN, "approve", False), (CHI, "approve", False),
        (DOV, "approve", True), reboots=1,
    )  # fmt: skip


async def test_an_approver_who_is_deactivated_before_the_start_is_dropped(town: Any) -> None:
    await town.sb.group("sre", add=[DOV])
    await town.muster()
    box = await Box.asked(town)
    await _granted(town, box)
    await town.sb.user(CHI, deleted=True)
    await _known(town, box, CHI)
    await _recounted(town, box, CHI)
    await box.press(DOV, "it starts now")
    await box.ended()
    await box.holds((BEN, "approve", True), (CHI, "approve", True), (DOV, "approve", True), reboots=1)


async def test_an_approver_who_left_before_the_second_vote_is_not_counted(town: Any) -> None:
    await town.sb.group("sre", add=[DOV])
    await town.muster()
    box = await Box.asked(town)
    await box.press(BEN, "1 of 2")
    await town.sb.group("sre", remove=[BEN])
    await box.press(CHI, "1 of 2")
    await box.state("open")
    await box.press(DOV, "it starts now")
    await box.ended()
    await box.holds((BEN, "approve", True), (CHI, "approve", True), (DOV, "approve", True), reboots=1)


async def test_who_was_dropped_and_counts_again_can_say_so_again(town: Any, muster: Any) -> None:
    """What was believed of Ben was too old at the start; looked at anew he counts, and his press completes it."""
    box = await Box.asked(town)
    await _granted(town, box)
    ben = await box.person(BEN)

    def forget(tx: Any) -> None:
        old = tx.now - timedelta(hours=1)
        tx.conn.execute(accounts.update().where(accounts.c.person == ben).values(believed_at=old))

    async def looks() -> bool:
        calls = await town.sb.calls("aws", DESCRIBE)
        return calls[-1]["status"] is None and len(calls) > 2

    await town.sb.wait_until(looks)
    await muster.db.write(forget)
    await _recounted(town, box, BEN)
    await box.press(BEN, "it starts now")
    await box.ended()
    await box.holds((BEN, "approve", True), (CHI, "approve", True), (BEN, "approve", True), reboots=1)


async def test_who_joined_the_group_in_the_last_day_does_not_count(town: Any, muster: Any) -> None:
    box = await Box.asked(town)
    await town.sb.group("sre", add=[DOV])
    await box.press(DOV, "You were added to `@sre`")
    await box.press(BEN, "1 of 2")
    await box.state("open")
    assert await town.reboots() == 0
    await _lately(town, box, DOV)
    await box.press(DOV, "it starts now")
    await box.ended()
    await box.holds((DOV, "approve", False), (BEN, "approve", True), (DOV, "approve", True), reboots=1)


async def test_whom_the_asker_added_does_not_count_however_long_ago(town: Any, muster: Any) -> None:
    box = await Box.asked(town)
    await town.sb.group("sre", add=[DOV], by=ANA)
    await box.press(DOV, "You were added to `@sre`")
    await _lately(town, box, DOV)
    await box.press(DOV, "by who asked for this")
    await box.state("open")
    await box.holds((DOV, "approve", False), (DOV, "approve", False))


async def test_who_asked_cannot_come_back_as_an_approver(town: Any, muster: Any) -> None:
    box = await Box.asked(town)
    await town.sb.group("sre", add=[ANA])
    await box.press(BEN, "1 of 2")
    await _lately(town, box, ANA)
    await box.press(ANA, "You asked for this run")
    await box.state("open")
    await box.holds((BEN, "approve", True), (ANA, "approve", False))


async def test_nobody_votes_on_what_slack_has_not_said_lately(town: Any, muster: Any) -> None:
    """Slack does not answer about people, and what was known is too old: refused with the reason, then it works."""
    box = await Box.asked(town)

    def forget(tx: Any) -> None:
        old = tx.now - timedelta(hours=1)
        tx.conn.execute(accounts.update().values(believed_at=old))
        tx.conn.execute(memberships.update().values(seen_at=old))

    await muster.db.write(forget)
    for method in ("users.info", "usergroups.users.list"):
        await town.sb.fail("slack", method, "503", times=-1)
    await box.press(BEN, "directory_max_age")
    await town.sb.clear_faults()
    await box.press(BEN, "1 of 2")
    await box.state("open")
    assert (await box.approvals())[0].id == f"{RUN}/1"
    await box.holds((BEN, "approve", False), (BEN, "approve", True))
