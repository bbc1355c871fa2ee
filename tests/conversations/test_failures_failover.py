"""The failover through every failure: told, never doubled, paused with a reason one can act on, and repaired from there.

The library's own playbook with shorter waits stands in for it (a playbook of the same name replaces the built-in one),
and the shop's tables are in the session's PostgreSQL.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy.engine import URL

from bot.sandbox.client import Message
from storage import runs

ROOT = Path(__file__).parents[2]
EXAMPLE, PLAYBOOK = ROOT / "muster.example.yaml", ROOT / "playbooks/library/failover/rds-multi-az.yaml"
SQLITE = pytest.mark.parametrize("url", ["sqlite"], indirect=True)
REBOOT, DESCRIBE = "RebootDBInstance", "DescribeDBInstances"


@pytest.fixture(scope="session")
def shop(server: URL) -> str:
    """The address of a database with the tables that matter."""
    plain = server.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as line:
        line.execute("CREATE DATABASE shop")
    dsn = server.set(drivername="postgresql", database="shop").render_as_string(hide_password=False)
    with psycopg.connect(dsn) as line:
        line.execute("CREATE TABLE orders (id int); CREATE TABLE payments (id int)")
    return dsn


@pytest.fixture
def quick(tmp_path: Path) -> Path:
    """The example policy with the failover's waits cut to seconds."""
    folder = tmp_path / "own" / "failover"
    folder.mkdir(parents=True)
    text = PLAYBOOK.read_text().replace("within: 5m", "within: 3s")
    text = text.replace('"${{ service.critical_tables }}" }', '"${{ service.critical_tables }}", within: 2s }')
    (folder / "rds-multi-az.yaml").write_text(text)
    path = tmp_path / "muster.yaml"
    path.write_text(EXAMPLE.read_text().replace("playbooks: []", "playbooks: [own]"))
    return path


class Failing:
    """One incident whose failover runs into trouble."""

    def __init__(self, town: Any, channel: str) -> None:
        self.town, self.sb, self.channel = town, town.sb, channel

    async def ask(self) -> Message:
        """Ask for it; the approval card."""
        return await self.town.asked(self.channel)

    async def asked_again(self, first: Message) -> Message:
        """The approval card that replaces the first one, which may still stand there with its buttons."""
        return await self.sb.wait_for(
            self.channel, lambda m: m.ts != first.ts and m.button("Approve") is not None, timeout=60
        )

    async def approve(self, card: Message) -> None:
        """Ben and Chi agree."""
        await self.town.presses("U0BEN", self.channel, "Approve", card, "1 of 2")
        await self.town.presses("U0CHI", self.channel, "Approve", card, "it starts now")

    async def shows(self, *words: str, timeout: float = 25.0) -> Message:
        """The run card that says all of this."""
        return await self.sb.wait_for(
            self.channel,
            lambda m: "failover/rds-multi-az" in m.plain and all(w in m.plain for w in words),
            timeout=timeout,
        )

    async def finishes(self) -> None:
        """It ends well, with one reboot, and the writer where it should be."""
        await self.shows("*finished*")
        assert await self.town.reboots() == 1
        assert await self.town.writer_zone() == "eu-north-1b"
        await self.town.proven()
        cards = [m for m in await self.sb.messages(self.channel) if "asked by" in m.plain and "sha256" not in m.plain]
        assert len([m for m in cards if "failover/rds-multi-az" in m.plain]) == 1, "one run card"
        for message in await self.sb.messages(self.channel, "*"):
            assert "went wrong" not in message.plain.lower()

    async def state(self) -> str:
        """The run's state."""
        run = await self.town.read(lambda tx: runs.get(tx, "INC-1/2"))
        return str(run.state)


@pytest.fixture
async def failing(town: Any, quick: Path, shop: str, monkeypatch: pytest.MonkeyPatch) -> Failing:
    """A declared incident, ready for the failover."""
    await town.muster(policy=quick, muster_read_timeout=3.0)
    monkeypatch.setenv("CHECKOUT_DSN", shop)
    return Failing(town, await town.declared())


@SQLITE
@pytest.mark.parametrize("mode", ["429", "500", "timeout_before"])
async def test_a_look_that_fails_once_is_repeated(failing: Failing, mode: str) -> None:
    await failing.sb.fail("aws", DESCRIBE, mode)
    await failing.approve(await failing.ask())
    await failing.finishes()


@SQLITE
async def test_a_look_that_keeps_failing_pauses_and_retry_goes_on(failing: Failing) -> None:
    await failing.sb.fail("aws", DESCRIBE, "500", times=-1)
    await failing.sb.type("U0ANA", failing.channel, "/playbook run failover/rds-multi-az service=checkout")
    card = await failing.shows("*paused*", "aws.rds_describe", "500")
    assert card.button("Retry")
    assert card.button("Skip")
    assert card.button("Abort")
    await failing.sb.clear_faults("aws")
    await failing.sb.click("U0ANA", failing.channel, "Retry", ts=card.ts)
    asked = await failing.sb.wait_for(failing.channel, lambda m: m.button("Approve") is not None, timeout=60)
    await failing.approve(asked)
    await failing.finishes()


@SQLITE
async def test_a_plan_that_cannot_be_made_never_asks_for_approval(failing: Failing) -> None:
    """The step is to be approved with its exact effect: while that cannot be seen, nobody is asked."""
    await failing.sb.fail("aws", DESCRIBE, "error:AccessDenied", times=-1, after=1)
    await failing.sb.type("U0ANA", failing.channel, "/playbook run failover/rds-multi-az service=checkout")
    card = await failing.shows("*paused*", "aws.rds_failover")
    assert not [m for m in await failing.sb.messages(failing.channel) if m.button("Approve")]
    await failing.sb.clear_faults("aws")
    await failing.sb.click("U0BEN", failing.channel, "Retry", ts=card.ts)
    await failing.sb.wait_for(failing.channel, lambda m: m.button("Approve") is not None, timeout=60)
    assert await failing.town.reboots() == 0


@pytest.mark.parametrize("mode", ["timeout_after", "close_after"])
async def test_a_reboot_whose_answer_is_lost_is_found_by_looking(failing: Failing, mode: str) -> None:
    """On both databases: it happened, nobody said so; Muster looks, sees the writer moved, and goes on."""
    await failing.sb.fail("aws", REBOOT, mode)
    await failing.approve(await failing.ask())
    await failing.finishes()
    assert await failing.town.events("INC-1", "step.unknown")
    (reconciled,) = await failing.town.events("INC-1", "step.reconciled")
    assert reconciled.body["found"] == "happened"


@SQLITE
async def test_a_throttled_reboot_is_sent_again_under_the_same_approval(failing: Failing) -> None:
    await failing.sb.fail("aws", REBOOT, "429")
    await failing.approve(await failing.ask())
    await failing.finishes()
    assert len(await failing.town.events("INC-1", "approval.requested")) <= 1


@SQLITE
@pytest.mark.parametrize("mode", ["500", "timeout_before"])
async def test_a_reboot_nobody_can_tell_of_asks_a_person(failing: Failing, mode: str) -> None:
    """No answer, and nothing to be seen yet: evidence and three buttons; nothing is repeated without new approvals."""
    await failing.sb.fail("aws", REBOOT, mode)
    card = await failing.ask()
    await failing.approve(card)
    question = await failing.sb.wait_for(
        failing.channel, lambda m: m.button("It did not: ask again") is not None, timeout=60
    )
    assert "outcome unknown" in question.plain and "Asked: anyone" in question.plain
    assert "writer in eu-north-1a" in question.plain, "what was seen"
    assert await failing.town.reboots() == 0
    await failing.sb.click("U0BEN", failing.channel, "It did not: ask again", ts=question.ts)
    again = await failing.asked_again(card)
    assert await failing.town.reboots() == 0, "a person's word is no approval"
    await failing.town.presses("U0CHI", failing.channel, "Approve", again, "1 of 2")


@SQLITE
async def test_it_happened_is_believed_and_checked(failing: Failing) -> None:
    await failing.sb.fail("aws", REBOOT, "reset")
    await failing.approve(await failing.ask())
    question = await failing.sb.wait_for(failing.channel, lambda m: m.button("It happened") is not None, timeout=60)
    await failing.sb.instance("orders-db", zone="eu-north-1b", secondary_zone="eu-north-1a")  # by hand, in the console
    await failing.sb.click("U0BEN", failing.channel, "It happened", ts=question.ts)
    await failing.shows("*finished*")
    assert await failing.town.reboots() == 0


@SQLITE
async def test_an_unknown_outcome_can_be_aborted(failing: Failing) -> None:
    await failing.sb.fail("aws", REBOOT, "reset")
    await failing.approve(await failing.ask())
    question = await failing.sb.wait_for(failing.channel, lambda m: m.button("It happened") is not None, timeout=60)
    await failing.sb.click("U0ANA", failing.channel, "Abort", ts=question.ts)
    await failing.shows("*aborted*")
    assert await failing.town.reboots() == 0


@SQLITE
async def test_a_refused_reboot_pauses_and_says_what_to_allow(failing: Failing) -> None:
    await failing.sb.fail("aws", REBOOT, "error:AccessDenied")
    card = await failing.ask()
    await failing.approve(card)
    paused = await failing.shows("*paused*", "AccessDenied")
    assert "rds:" in paused.plain, "which permission"
    await failing.sb.click("U0BEN", failing.channel, "Retry", ts=paused.ts)
    again = await failing.asked_again(card)
    await failing.town.presses("U0BEN", failing.channel, "Approve", again, "asked for")
    assert await failing.town.reboots() == 0, "who retries is a requester: that vote does not count"


@SQLITE
async def test_looking_after_the_reboot_may_fail_for_a_while(failing: Failing) -> None:
    card = await failing.ask()
    await failing.sb.fail("aws", DESCRIBE, "503", times=2, after=2)
    await failing.approve(card)
    await failing.finishes()


@SQLITE
async def test_a_health_that_stays_bad_pauses_and_retry_goes_on(failing: Failing) -> None:
    card = await failing.ask()
    await failing.sb.settings(broken_zone="eu-north-1b")
    await failing.approve(card)
    paused = await failing.shows("*paused*", "http.probe", "503")
    assert "Done: 1, 2" in paused.plain
    await failing.sb.settings(broken_zone="eu-north-1a")
    await failing.sb.click("U0ANA", failing.channel, "Retry", ts=paused.ts)
    await failing.finishes()


@SQLITE
async def test_tables_that_cannot_be_read_pause_and_retry_goes_on(
    failing: Failing, monkeypatch: pytest.MonkeyPatch, shop: str
) -> None:
    monkeypatch.setenv("CHECKOUT_DSN", shop.replace("/shop", "/template1"))
    await failing.approve(await failing.ask())
    paused = await failing.shows("*paused*", "postgres.check_tables", "orders")
    monkeypatch.setenv("CHECKOUT_DSN", shop)
    await failing.sb.click("U0ANA", failing.channel, "Retry", ts=paused.ts)
    await failing.finishes()


@SQLITE
async def test_a_database_address_that_is_not_set_is_named(failing: Failing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHECKOUT_DSN")
    await failing.approve(await failing.ask())
    paused = await failing.shows("*paused*", "postgres.check_tables")
    assert "CHECKOUT_DSN" in paused.plain
    await failing.sb.click("U0ANA", failing.channel, "Skip", ts=paused.ts)
    await failing.sb.wait_until(lambda: failing.sb.views("U0ANA"))
    await failing.sb.submit("U0ANA", {"reason": "checked by hand: orders and payments answer"})
    await failing.shows("*finished*")
    assert await failing.town.reboots() == 1


async def test_slack_down_while_the_card_is_due(failing: Failing) -> None:
    """On both databases: the approval waits, nothing starts, and the card comes once when Slack is back."""
    for method in ("chat.postMessage", "chat.update", "conversations.history"):
        await failing.sb.fail("slack", method, "503", times=-1)
    await failing.sb.type("U0ANA", failing.channel, "/playbook run failover/rds-multi-az service=checkout")
    await failing.sb.wait_until(lambda: _tried(failing), timeout=60)
    assert await failing.state() in ("running", "waiting")
    await failing.sb.clear_faults("slack")
    card = await failing.sb.wait_for(failing.channel, lambda m: m.button("Approve") is not None, timeout=60)
    await failing.approve(card)
    await failing.finishes()
    assert len([m for m in await failing.sb.messages(failing.channel) if "sha256" in m.plain]) == 1


async def _tried(failing: Failing) -> bool:
    approvals = await failing.town.read(lambda tx: runs.open_approval(tx, "INC-1/2"))
    return (
        approvals is not None
        and len([c for c in await failing.sb.calls("slack", "chat.postMessage") if c["fault"]]) >= 2
    )
