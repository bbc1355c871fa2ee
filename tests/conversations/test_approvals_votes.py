"""Whose vote counts: one human, one vote, never who asked or changed it; every attempt is on the record.

Also holds `Box`, one approval asked for outside any incident (its card stands in #incidents), and `Box.holds`, what
must be true after every case whoever tried what. The other test_approvals files use it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Self

from sqlalchemy import text

from bot.sandbox.client import Message
from playbooks.engine import approvals as rules
from storage import people, runs
from storage.runs import Approval
from storage.tables import accounts, replies
from storage.tables import runs as run_rows

TEAM = "T0MUSTER"
RUN = "org/1"
RDS = "failover/rds-multi-az service=checkout"
BEN, CHI, ANA, DOV, EVE, GUS, XIA = "U0BEN", "U0CHI", "U0ANA", "U0DOV", "U0EVE", "U0GUS", "U0XIA"
Attempt = tuple[str, str, bool]


@dataclass
class Box:
    """One request for approval in #incidents, and how it is looked at afterwards."""

    town: Any
    card: Message
    channel: str = "#incidents"
    gone: set[str] = field(default_factory=set)

    @classmethod
    async def asked(cls, town: Any, user: str = ANA) -> Self:
        """Ask for the failover and wait for its card."""
        await town.sb.type(user, "#incidents", f"/playbook run {RDS}")
        return cls(town, await cls(town, None).live())  # type: ignore[arg-type]

    async def live(self, but: str = "") -> Message:
        """The card that can be pressed now; but: the ts of one that is not meant, from then on: its buttons may stay a
        moment longer than it counts."""
        self.gone.add(but)
        return await self.town.sb.wait_for(
            self.channel, lambda m: m.button("Approve") is not None and m.ts not in self.gone, timeout=30
        )

    async def press(self, user: str, wanted: str, what: str = "Approve") -> Message:
        """Press a button of the card; the words this person alone is told."""
        before = {m.ts for m in await self.town.sb.messages(self.channel, user)}
        await self.town.sb.click(user, self.channel, what, ts=self.card.ts)
        return await self.told(user, wanted, before)

    async def types(self, user: str, line: str, wanted: str) -> Message:
        """Type a line; the words this person alone is told."""
        before = {m.ts for m in await self.town.sb.messages(self.channel, user)}
        await self.town.sb.type(user, self.channel, line)
        return await self.told(user, wanted, before)

    async def told(self, user: str, wanted: str, before: set[str]) -> Message:
        """The words somebody is told, after what stood there before."""
        return await self.town.sb.wait_for(
            self.channel,
            lambda m: m.ts not in before and m.ephemeral_for == user and wanted.lower() in m.plain.lower(),
            as_user=user,
            timeout=30,
        )

    async def again(self, delivery: str | None, **changes: Any) -> Any:
        """Send a delivery once more, changed; dots of the paths as `__`."""
        mutate = {path.replace("__", "."): value for path, value in changes.items()}
        return await self.town.sb.redeliver(delivery, mutate=mutate)

    async def answered(self, account: str, wanted: str) -> None:
        """Wait for an answer in the outbox: for those who have no screen here (bots, forged accounts)."""

        async def look() -> bool:
            query = replies.select().where(replies.c.account == account)
            rows = await self.town.read(lambda tx: tx.conn.execute(query).mappings().all())
            return any(wanted.lower() in str(row["body"]).lower() for row in rows)

        await self.town.sb.wait_until(look, timeout=30)

    async def write(self, statement: str, **values: Any) -> None:
        """Change rows behind Muster's back."""
        await self.town.apps[0].db.write(lambda tx: tx.conn.execute(text(statement), values))

    async def person(self, user: str) -> str | None:
        """The person behind a Slack id."""
        found = await self.town.read(lambda tx: people.account(tx, "slack", f"{TEAM}/{user}"))
        return found.person if found else None

    async def approvals(self) -> list[Approval]:
        """All that were asked for in this run, oldest first."""
        return list(await self.town.read(lambda tx: runs.approvals_of(tx, RUN)))

    async def state(self, wanted: str, number: int = -1) -> None:
        """Wait until an approval (the newest) is in this state."""

        async def look() -> bool:
            found = await self.approvals()
            return bool(found) and found[number].state == wanted

        await self.town.sb.wait_until(look, timeout=30)

    async def ended(self, wanted: str = "succeeded") -> None:
        """Wait until the run is in this state."""

        async def look() -> bool:
            found = await self.town.read(lambda tx: runs.get(tx, RUN))
            return found.state == wanted

        await self.town.sb.wait_until(look, timeout=60)

    async def happened(self, type_: str, times: int = 1) -> list[Any]:
        """Wait for events of the run's stream."""

        async def look() -> Any:
            found = await self.town.events("org", type_)
            return found if len(found) >= times else None

        return list(await self.town.sb.wait_until(look, timeout=30))

    async def holds(self, *attempts: Attempt, reboots: int = 0) -> None:
        """What must be true after every case.

        attempts: (Slack id, choice, whether it counted), each exactly one chained event, in any order.
        """
        voted = await self.town.events("org", "approval.voted")
        rows = await self.town.read(lambda tx: tx.conn.execute(accounts.select()).mappings().all())
        slack = {row["person"]: row["id"].rpartition("/")[2] for row in rows if row["kind"] == "slack"}
        seen = Counter(
            (slack[e.body["person"]] if e.body["person"] else _account(e), e.body["choice"], e.body["counted"])
            for e in voted
        )
        assert seen == Counter(attempts)
        assert all(e.body["counted"] or e.body["why"] for e in voted), "a refused attempt says why"
        assert all(e.body["via"].startswith("slack:C") for e in voted), "with the door and channel it came by"
        assert await self.town.reboots() == reboots <= 1
        used = [one for one in await self.approvals() if one.state == "used"]
        assert len(used) == reboots
        for asked in await self.approvals():
            await self._proper(asked)
        unsent = await self.town.read(lambda tx: tx.conn.execute(replies.select()).mappings().all())
        assert all(row["body"]["text"].strip() for row in unsent), "nobody is answered with nothing"
        await self.town.proven()

    async def _proper(self, asked: Approval) -> None:
        """Its digest is of what it covers; who counts is neither barred nor twice; what ran is what was approved."""
        assert rules.digest(asked.covers) == asked.digest
        votes = await self.town.read(lambda tx: runs.votes_on(tx, asked.id))
        yes = [vote.person for vote in votes if vote.choice == "approve"]
        assert len(yes) == len(set(yes))
        assert not set(yes) & set(asked.barred)
        requested = [e for e in await self.town.events("org", "approval.requested") if e.body["approval"] == asked.id]
        assert [e.body["digest"] for e in requested] == [asked.digest]
        if asked.state == "used":
            assert len(yes) >= asked.rule["people"] >= 2
            counted = [e for e in await self.town.events("org", "approval.voted") if e.body["counted"]]
            mine = [e for e in counted if e.body["approval"] == asked.id and e.body["choice"] == "approve"]
            assert {e.body["digest"] for e in mine} == {asked.digest}
            step = (await self.town.read(lambda tx: runs.steps_of(tx, asked.run)))[asked.idx - 1]
            covered = asked.covers["steps"][0]
            assert {"attempt": step.attempt, **step.params} == covered["params"]
            assert (step.id, step.uses) == (covered["id"], covered["action"])


def _account(event: Any) -> str:
    """Whose attempt it was where no person stands behind the account: the record says that too."""
    return str(event.text("account")).rpartition("/")[2]


async def test_your_own_request_takes_two_others(town: Any, muster: Any) -> None:
    box = await Box.asked(town)
    await box.press(ANA, "You asked for this run, so your approval does not count")
    await box.press(BEN, "1 of 2")
    await box.types(ANA, f"/playbook approve {RUN}", "does not count")
    await box.state("open")
    assert await town.reboots() == 0
    await box.press(CHI, "it starts now")
    await box.ended()
    await box.holds(
        (ANA, "approve", False), (BEN, "approve", True), (ANA, "approve", False), (CHI, "approve", True), reboots=1
    )


async def test_an_approver_who_asks_is_no_approver(town: Any, muster: Any) -> None:
    await town.sb.group("sre", add=[DOV])
    box = await Box.asked(town, BEN)
    await box.press(BEN, "does not count")
    await box.press(CHI, "1 of 2")
    await box.state("open")
    await box.holds((BEN, "approve", False), (CHI, "approve", True))


async def test_who_pressed_retry_does_not_count_for_that_attempt(town: Any, muster: Any) -> None:
    box = await Box.asked(town)
    await box.types(CHI, f"/playbook deny {RUN} not yet", "Denied")
    await box.ended("paused")
    await box.types(BEN, f"/playbook retry {RUN}", "yours does not count")
    box.card = await box.live(but=box.card.ts)
    await box.press(BEN, "You asked for this attempt")
    await box.press(ANA, "You asked for this run")
    await box.press(CHI, "1 of 2")
    asked = (await box.approvals())[-1]
    assert asked.barred == {await box.person(BEN): "retry", await box.person(ANA): "requester"}
    await box.holds((CHI, "deny", True), (BEN, "approve", False), (ANA, "approve", False), (CHI, "approve", True))


async def test_who_changed_what_the_run_was_given_does_not_count(town: Any, muster: Any) -> None:
    await town.sb.latency("aws", 1.0, "DescribeDBInstances")  # the request for approval comes after the change
    await town.sb.type(ANA, "#incidents", f"/playbook run {RDS}")
    ben = await town.sb.wait_until(lambda: Box(town, None).person(BEN))  # type: ignore[arg-type]

    async def there() -> Any:
        return await town.read(lambda tx: runs.get(tx, RUN))

    await town.sb.wait_until(there)
    await town.apps[0].db.write(lambda tx: tx.conn.execute(run_rows.update().values(editors=[ben])))
    box = Box(town, await Box(town, None).live())  # type: ignore[arg-type]
    await town.sb.latency("aws", 0, "DescribeDBInstances")
    await box.press(BEN, "You changed what this run was given")
    await box.press(CHI, "1 of 2")
    await box.state("open")
    await box.holds((BEN, "approve", False), (CHI, "approve", True))


async def test_a_double_click_is_one_vote(town: Any, muster: Any) -> None:
    box = await Box.asked(town)
    press = {"act": "click", "user": BEN, "channel": "#incidents", "action_id": "Approve", "ts": box.card.ts}
    first, second = await town.sb.together(press, press)
    assert first["acked"] and second["acked"]
    await box.told(BEN, "1 of 2", set())
    await box.told(BEN, "already counts", set())
    await box.state("open")
    await box.holds((BEN, "approve", True), (BEN, "approve", False))


async def test_a_delivery_that_comes_again_is_no_second_attempt(town: Any, muster: Any) -> None:
    box = await Box.asked(town)
    await town.sb.fail("delivery", "interactive", "duplicate_delivery")
    await box.press(BEN, "1 of 2")
    pressed = await town.sb.deliveries("interactive")
    assert len(pressed) == 2 and all(one["acked"] for one in pressed)
    for one in pressed:
        assert (await town.sb.redeliver(one["id"])).acked, "a repeat is acknowledged and has no effect"
    await box.press(CHI, "it starts now")
    await box.ended()
    assert (await town.sb.redeliver(pressed[0]["id"])).acked
    repeats = muster.metrics.registry.get_sample_value("muster_asks_repeated_total", {"kind": "button"})
    assert repeats == 4
    await box.holds((BEN, "approve", True), (CHI, "approve", True), reboots=1)


async def test_a_press_and_a_typed_line_at_once_are_one_vote(town: Any, muster: Any) -> None:
    box = await Box.asked(town)
    await town.sb.together(
        {"act": "click", "user": BEN, "channel": "#incidents", "action_id": "Approve", "ts": box.card.ts},
        {"act": "type", "user": BEN, "channel": "#general", "text": f"/playbook approve {RUN}"},
    )

    async def both() -> bool:
        return len(await town.events("org", "approval.voted")) == 2

    await town.sb.wait_until(both)
    await box.state("open")
    await box.holds((BEN, "approve", True), (BEN, "approve", False))


async def test_two_accounts_of_one_person_are_one_vote(town: Any, muster: Any) -> None:
    box = await Box.asked(town)
    ben = await box.person(BEN)
    await town.sb.user("U0BENNY", name="benny", real_name="Ben", email="benny@example.com")
    await town.sb.change_channel("incidents", add=["U0BENNY"])
    await muster.db.write(
        lambda tx: people.believe(tx, "slack", f"{TEAM}/U0BENNY", state=people.MEMBER, name="Ben", person=ben)
    )
    await town.sb.group("sre", add=["U0BENNY"])
    await box.press("U0BENNY", "1 of 2")
    await box.press(BEN, "already counts")
    await box.press("U0BENNY", "already counts")
    await box.state("open")
    votes = await town.read(lambda tx: runs.votes_on(tx, f"{RUN}/1"))
    assert [(vote.person, vote.account) for vote in votes] == [(ben, f"slack:{TEAM}/U0BENNY")]
    assert len([1 for e in await town.events("org", "approval.voted") if e.body["counted"]]) == 1
    assert await town.reboots() == 0
    await town.proven()


async def test_a_name_proves_nothing(town: Any, muster: Any) -> None:
    """Eve calls herself Ben, and her payloads say so too: she is still Eve."""
    box = await Box.asked(town)
    await town.sb.user(EVE, name="ben", real_name="Ben", email="ben@example.com")
    await box.press(EVE, "Approving needs `@sre`")
    pressed = (await town.sb.deliveries("interactive"))[-1]
    said = await box.again(
        pressed["id"], user__name="ben", user__username="ben", trigger_id="9.9.eve", message__user=BEN,
        message__text="Approved by <@U0BEN>", actions__0__text__text="Ben approves",
    )  # fmt: skip
    assert said.acked
    await box.happened("approval.voted", 2)
    await box.types(EVE, f"/playbook approve {RUN} <@U0BEN>", "")
    await box.types(EVE, f"/playbook approve {RUN} as <@U0BEN>", "")
    line = f"playbook approve {RUN} {box.card.button('Approve').value.split()[-1]}"
    for number, bent in enumerate((f"{line} U0BEN", f"{line} user=U0BEN", f"as U0BEN {line}")):
        await box.again(pressed["id"], trigger_id=f"9.9.bent{number}", actions__0__value=bent)
    await box.state("open")
    voted = await town.events("org", "approval.voted")
    assert {e.body["person"] for e in voted} == {await box.person(EVE)}
    assert not any(e.body["counted"] for e in voted)
    assert not await town.read(lambda tx: runs.votes_on(tx, f"{RUN}/1"))
    await town.proven()


async def test_guests_strangers_and_who_is_in_no_group_are_refused(town: Any, muster: Any) -> None:
    await town.sb.change_channel("incidents", add=[GUS, XIA], ext_shared=True)
    await town.sb.group("sre", add=[GUS, XIA])
    box = await Box.asked(town)
    await box.press(EVE, "Approving needs `@sre`")
    await box.press(GUS, "guest")
    await box.press(XIA, "another workspace")
    await box.state("open")
    await box.holds((EVE, "approve", False), (GUS, "approve", False), (XIA, "approve", False))
    voted = await town.events("org", "approval.voted")
    assert {e.body["why"] for e in voted} == {"group", "account"}


async def test_bots_nobodies_and_who_left_are_refused(town: Any, muster: Any) -> None:
    box = await Box.asked(town)
    await town.sb.group("sre", add=["U0MUSTER", "USLACKBOT"])
    await town.sb.user(CHI, deleted=True)
    await box.press(ANA, "does not count")
    pressed = (await town.sb.deliveries("interactive"))[-1]["id"]
    wanted = {
        "U0MUSTER": "bot", "USLACKBOT": "bot", "U0NOBODY": "look", "U0ZED": "deactivated", CHI: "deactivated",
    }  # fmt: skip
    for number, (user, words) in enumerate(wanted.items()):
        # Nobody can press as these, so the press is sent on the wire in their name.
        assert (await box.again(pressed, user__id=user, trigger_id=f"9.9.{number}", response_url=None)).acked
        await box.answered(f"{TEAM}/{user}", words)
    no_team = await box.again(pressed, user__id=BEN, user__team_id=None, trigger_id="9.9.x", response_url=None)
    assert no_team.acked
    await box.answered(f"?/{BEN}", "another workspace")
    await box.state("open")
    await box.holds(*((user, "approve", False) for user in (ANA, *wanted, BEN)))
    left = [e for e in await town.events("org", "approval.voted") if _account(e) == CHI]
    assert [e.body["seen_as"] for e in left] == [await box.person(CHI)], "who it was is known, though it is nobody now"
