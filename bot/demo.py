"""`muster demo`: one incident from declare to post-mortem, in the local workspace, on SQLite.

Real clients, real wire, real database; only Slack, PagerDuty, Statuspage and AWS are stand-ins (bot/sandbox). Every
part that should happen is waited for: what does not happen ends the demo with exit code 1 and words.
Belongs here: the story and its checks. Does not belong here: drawing it (bot/telling.py), any product behaviour.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import warnings
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

from bot.app import App, build
from bot.demo_evidence import evidence
from bot.sandbox import Sandbox, SandboxClient
from bot.sandbox.client import Message
from bot.settings import Settings
from bot.telling import Teller
from storage import documents, verify
from storage.db import Tx
from storage.export import write_jsonl

HOME = Path("var/demo")
POLICY = Path(__file__).parent.parent / "muster.example.yaml"
CHANNEL = "#inc-1-checkout-is-down"
FAILOVER = "failover/rds-multi-az service=checkout"


class DemoFailed(Exception):
    """Something that should have happened did not."""


class Demo:
    """The story, with everything it needs. wait: seconds each part may take at most."""

    def __init__(self, app: App, sandbox: Sandbox, client: SandboxClient, teller: Teller, wait: float = 30.0) -> None:
        self.app, self.sandbox, self.client, self.tell, self.wait = app, sandbox, client, teller, wait

    async def play(self) -> None:
        """From declare to resolve."""
        await self.declare()
        await self.look()
        await self.ask()
        await self.decide()
        await self.inform()
        await self.resolve()

    async def declare(self) -> None:
        """Ana declares; the page, the channel, the announcement; Ben acknowledges; Dov publishes."""
        self.tell.chapter("Declare", "Ana sees checkout fail and says so. Paging never waits for Slack.")
        await self.types("U0ANA", "#general", "/incident declare sev1 checkout is down service=checkout")
        await self.sees("#general", "INC-1", as_user="U0ANA")
        board = await self.card(CHANNEL, lambda m: m.button("Resolve") is not None)
        await self.sees("#incidents", "INC-1")
        await self.world("PagerDuty", "is paging for INC-1", self._paged)
        await self.sees("#general", "is open", as_user="U0ANA")
        self.tell.card(CHANNEL, board)
        await self.client.acknowledge("muster/INC-1", "ben@example.com")
        self.tell.act("Ben", "PagerDuty", "acknowledges the page on his phone")
        self.tell.card(CHANNEL, await self.card(CHANNEL, lambda m: "acknowledged" in m.plain and "Ben" in m.plain))
        await self.types("U0DOV", CHANNEL, "/incident role comms_lead @dov")
        await self.sees(CHANNEL, "Dov", as_user="U0DOV")
        draft = await self.card(CHANNEL, lambda m: m.button("Publish") is not None)
        self.tell.card(CHANNEL, draft)
        await self.clicks("U0DOV", CHANNEL, "Publish", draft)
        await self.world("Statuspage", "shows the incident to customers", self._published)

    async def look(self) -> None:
        """Ben looks before anybody leaps."""
        self.tell.chapter("Look before leaping", "A dry run reads for real and changes nothing.")
        await self.types("U0BEN", CHANNEL, f"/playbook plan {FAILOVER}")
        plan = await self.sees(CHANNEL, "would reboot orders-db with failover", as_user="U0BEN", fold=True)
        self.check("Point of no return" in plan.plain, "the plan names the point of no return")

    async def ask(self) -> None:
        """Ana asks for the failover; her own vote and Eve's are refused."""
        self.tell.chapter("Ask for it", "The destructive step stops until two other people agree.")
        await self.types("U0ANA", CHANNEL, f"/playbook run {FAILOVER}")
        card = await self.card(CHANNEL, lambda m: m.button("Approve") is not None)
        self.tell.card(CHANNEL, card)
        await self.clicks("U0ANA", CHANNEL, "Approve", card)
        await self.sees(CHANNEL, "your approval does not count", as_user="U0ANA")
        await self.clicks("U0EVE", CHANNEL, "Approve", card)
        await self.sees(CHANNEL, "Approving needs", as_user="U0EVE")
        self.check(not await self._moved(), "nothing moved on refused votes")

    async def decide(self) -> None:
        """Ben and Chi approve; the writer moves; the run verifies."""
        self.tell.chapter("Decide", "Ben twice counts once; with Chi there are two.")
        card = await self.card(CHANNEL, lambda m: m.button("Approve") is not None)
        await self.clicks("U0BEN", CHANNEL, "Approve", card)
        self.tell.card(CHANNEL, await self.card(CHANNEL, "1 of 2"), short=True)
        await self.clicks("U0BEN", CHANNEL, "Approve", card)
        await self.sees(CHANNEL, "already counts", as_user="U0BEN")
        self.check(not await self._moved(), "one person is not two")
        await self.clicks("U0CHI", CHANNEL, "Approve", card)
        await self.world("AWS", "moved the writer of orders-db to eu-north-1b", self._moved)
        done = await self.card(CHANNEL, lambda m: "failover/rds-multi-az" in m.plain and "finished" in m.plain)
        self.tell.card(CHANNEL, done)

    async def inform(self) -> None:
        """What people knew and when, and the update to customers."""
        self.tell.chapter("Tell people", "An update is previewed first; times people know better are claimed by name.")
        began = f"{datetime.now(UTC) - timedelta(minutes=3):%H:%M}"
        await self.types("U0BEN", CHANNEL, f"/incident detected {began}")
        await self.sees(CHANNEL, "detected", as_user="U0BEN", fold=True)
        await self.types("U0CHI", CHANNEL, "/incident note replica lag was 0 before the failover")
        await self.sees(CHANNEL, "note", as_user="U0CHI", fold=True)
        await self.types("U0DOV", CHANNEL, "/incident update status=monitoring Checkout is back; we are watching.")
        preview = await self.sees(CHANNEL, lambda m: m.button("Send") is not None, as_user="U0DOV")
        await self.clicks("U0DOV", CHANNEL, "Send", preview)
        await self.sees(
            CHANNEL, lambda m: m.user == "U0MUSTER" and "we are watching" in m.plain and not m.ephemeral_for
        )
        await self.world("Statuspage", "carries the update", self._updated)

    async def resolve(self) -> None:
        """Everything is closed and the draft is there."""
        self.tell.chapter("Resolve", "Page and status page close; the post-mortem draft is written from the timeline.")
        await self.types("U0BEN", CHANNEL, "/incident resolve writer failed over, root cause under review")
        await self.sees(CHANNEL, "resolved", as_user="U0BEN", fold=True)
        await self.world("PagerDuty", "resolved the page", self._page_closed)
        await self.world("Statuspage", "says resolved", self._page_resolved)
        await self.world("Slack", "holds INC-1-post-mortem.md", self._uploaded)

    async def keep(self) -> None:
        """Where the draft, the export, the evidence pack and their verification are."""
        self.tell.chapter("The record", "What an auditor reads afterwards.")
        draft = await self.app.db.read(_draft)
        (HOME / "INC-1-post-mortem.md").write_text(draft, encoding="utf-8")
        with (HOME / "INC-1.jsonl").open("w", encoding="utf-8") as file:
            count = await self.app.db.read(lambda tx: write_jsonl(tx, "INC-1", file))
        bad = [v for v in await self.app.db.read(verify.check_database) if not v.ok]
        bad += [v for v in verify.check_file(HOME / "INC-1.jsonl") if not v.ok]
        self.check(not bad, f"the record verifies ({', '.join(v.bad for v in bad)})")
        good, said = await evidence(self.app.db, "INC-1", HOME / "INC-1.zip")
        self.check(good, f"the evidence pack verifies by itself ({said})")
        self.tell.excerpt(draft)
        self.tell.kept(
            {
                "post-mortem": HOME / "INC-1-post-mortem.md",
                f"export, {count} events": HOME / "INC-1.jsonl",
                "database": HOME / "muster.db",
            },
            "both verified: every event fits the one before it",
            HOME / "INC-1.zip", said.partition(", head")[0],
        )  # fmt: skip

    # --- acts and looks ----------------------------------------------------------------------------------------------

    async def types(self, user: str, channel: str, line: str) -> None:
        """A person types a slash command."""
        self.tell.typed(user, channel, line)
        ack = await self.client.type(user, channel, line)
        self.check(ack.acked, f"Muster acknowledged {line!r}")

    async def clicks(self, user: str, channel: str, what: str, message: Message) -> None:
        """A person presses a button of a message."""
        self.tell.pressed(user, channel, what)
        ack = await self.client.click(user, channel, what, ts=message.ts)
        self.check(ack.acked, f"Muster acknowledged {what}")

    async def sees(
        self, channel: str, wanted: str | Callable[[Message], bool], *, as_user: str | None = None, fold: bool = False
    ) -> Message:
        """Wait for a message and show it; as_user: one that only this person sees. fold: whatever the case."""
        if isinstance(wanted, str):
            words = wanted.lower() if fold else wanted
            match = lambda m: words in (m.plain.lower() if fold else m.plain) and (as_user is None or m.ephemeral_for)  # noqa: E731
        else:
            match = wanted
        message = await self._wait(channel, match, as_user, str(wanted))
        self.tell.message(channel, message, as_user)
        return message

    async def card(self, channel: str, wanted: str | Callable[[Message], bool]) -> Message:
        """Wait for a card to show something, without printing it."""
        match = (lambda m: wanted in m.plain and not m.ephemeral_for) if isinstance(wanted, str) else wanted
        return await self._wait(channel, match, None, str(wanted))

    async def _wait(self, channel: str, match: Callable[[Message], bool], as_user: str | None, what: str) -> Message:
        try:
            return await self.client.wait_for(channel, match, as_user=as_user, timeout=self.wait)
        except TimeoutError as error:
            raise DemoFailed(f"{what}: {error}") from error

    async def world(self, who: str, what: str, look: Callable[[], object]) -> None:
        """Wait until the outside world shows something."""
        try:
            await self.client.wait_until(look, timeout=self.wait)
        except TimeoutError as error:
            raise DemoFailed(f"{who} never {what}") from error
        self.tell.world(who, what)

    def check(self, holds: object, what: str) -> None:
        """Fail loudly."""
        if not holds:
            raise DemoFailed(f"This did not hold: {what}")

    async def _paged(self) -> bool:
        return any(one["incident_key"] == "muster/INC-1" for one in (await self.client.pagerduty())["incidents"])

    async def _page_closed(self) -> bool:
        ours = [one for one in (await self.client.pagerduty())["incidents"] if one["incident_key"] == "muster/INC-1"]
        return bool(ours) and all(one["status"] == "resolved" for one in ours)

    async def _published(self) -> bool:
        return bool((await self.client.statuspage())["incidents"])

    async def _updated(self) -> bool:
        return "we are watching" in str(await self.client.statuspage())

    async def _page_resolved(self) -> bool:
        return all(one["status"] == "resolved" for one in (await self.client.statuspage())["incidents"])

    async def _moved(self) -> bool:
        instances = {one["id"]: one for one in await self.client.instances()}
        return bool(instances["orders-db"]["zone"] == "eu-north-1b")

    async def _uploaded(self) -> bool:
        return any(file["name"] == "INC-1-post-mortem.md" for file in await self.client.files())


def _draft(tx: Tx) -> str:
    found = documents.of_stream(tx, "INC-1")
    if not found:
        raise DemoFailed("No post-mortem draft was kept.")
    return found[-1].body


async def _ready(app: App) -> None:
    """Socket Mode takes a moment to connect; nothing is typed before."""
    async with asyncio.timeout(20):
        while app.socket is None or not app.socket.connected:  # noqa: ASYNC110  (a state, not an event)
            await asyncio.sleep(0.02)


def _clear() -> None:
    """An empty folder for what the demo keeps, and a quiet terminal for its story."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR is not set")
    shutil.rmtree(HOME, ignore_errors=True)
    HOME.mkdir(parents=True)


async def run() -> int:
    """Set up, play, show; the exit code."""
    _clear()
    teller = Teller()
    teller.title("Muster: one incident in the local workspace")
    async with Sandbox(rate_factor=60) as sandbox:
        teller.waiting("starting the stand-ins (Slack, PagerDuty, Statuspage, AWS, a shop with its PostgreSQL)")
        await asyncio.gather(sandbox.aws.start(), sandbox.database.start())
        env = sandbox.env()
        os.environ.update(env)  # health addresses and secret references of the policy are read from the environment
        settings = Settings.of(env, database_url=f"sqlite:///{HOME}/muster.db", muster_config=POLICY, muster_port=0)
        app = build(settings)
        await app.start()
        try:
            async with SandboxClient(sandbox.url) as client:
                await _ready(app)
                await client.deliver_to("socket", pagerduty_url=f"{app.url}/webhooks/pagerduty")
                demo = Demo(app, sandbox, client, teller)
                await demo.play()
                await demo.keep()
        except DemoFailed as error:
            teller.failed(str(error))
            return 1
        finally:
            await app.stop()
    return 0
