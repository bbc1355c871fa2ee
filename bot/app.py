"""The one wiring file: settings -> connectors, record, policy, engine, commands, doors. No global state.

Belongs here: what is built from what, the order of starting and stopping. Does not belong here: any behaviour.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Callable, Collection
from pathlib import Path

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from bot.answering import Answering
from bot.blind import Blind
from bot.cards import Projector
from bot.choosing import CHOSEN, Choosing
from bot.clock import Clock
from bot.codes import Codes
from bot.connectors import Connectors, connect
from bot.declaring import Declaring
from bot.enrolling import Enrolling
from bot.home import HomeDirectory
from bot.importing import Importer
from bot.metrics import Metrics
from bot.policy_tools import tools_of
from bot.questions import Questions
from bot.replies import Sender
from bot.retelling import Retelling
from bot.ruling import Ruling, ask, ruling_policy
from bot.running import WORDS as RUNNING
from bot.running import Running
from bot.settings import Settings, reveal
from bot.slack import SlackDoor, SocketMode
from bot.store import Store
from bot.tasks import Tasks
from bot.web.alertmanager import AlertmanagerDoor
from bot.web.incoming import IncomingDoor
from bot.web.mfa import Pictures
from bot.web.pagerduty import PagerDutyDoor
from bot.web.pages import Pages
from bot.web.server import Health, Server
from bot.worker import Worker
from commands.command import load_commands
from commands.dispatch import Dispatch
from commands.house import House
from commands.timers import quorum_check
from playbooks.connectors.pagerduty import PagerDuty
from playbooks.connectors.slack import Slack
from playbooks.engine.engine import Engine
from playbooks.engine.heads import TimelineRecord
from playbooks.engine.library import BUILT_IN, Library
from playbooks.engine.post_mortem import TimelineDrafts
from playbooks.errors import MusterError, Refused
from playbooks.policy import Policy, load_policy
from playbooks.ports import Drafts, Messages, Record
from storage import anchors, migrate
from storage.db import Database, Tx, Unreachable
from storage.journal import Journal
from storage.sealing import Seal

log = structlog.get_logger(__name__)
ROLES = frozenset({"web", "worker"})
LAST_WORDS_S = 3.0
LOOK_AGAIN_S = 1.0


class App:
    """One process of Muster. `start` and `stop` may each be called once. url: where its HTTP server listens."""

    def __init__(self, settings: Settings, policy: Policy, connectors: Connectors, slack: Slack) -> None:
        self.settings = settings
        self.connectors = connectors
        self.slack = slack
        self.metrics = Metrics()
        self.db = Database(settings.database_url)
        self._tasks = Tasks("app")
        self._roles: frozenset[str] = ROLES
        self.file = policy
        self._wire(policy)

    def _wire(self, policy: Policy) -> None:
        settings, db, slack, metrics, name = (
            self.settings,
            self.db,
            self.slack,
            self.metrics,
            self.settings.muster_replica,
        )
        self.policy = policy
        self.library = Library(_folders(settings, policy))
        self.directory = HomeDirectory(db, self.connectors.slack_reads, self.connectors.pagerduty_reads)
        self.connectors.name_files([policy.anchors.file] if policy.anchors.file else [])
        self.connectors.tools |= tools_of(settings, policy)
        tools = {**self.connectors.tools, Drafts: TimelineDrafts(db, policy), Record: TimelineRecord(db)}
        tools |= {Messages: self.connectors.slack_reads} if self.connectors.slack_reads else {}
        tools |= {Seal: settings.seal} if settings.seal else {}  # for decisions that put something into escrow
        self.engine = Engine(db, tools, self.library, policy, replica=name, url=settings.url, directory=self.directory)
        sandbox = settings.sandbox_url is not None
        self.house = House(db, policy, self.library, self.directory, self.engine, settings.url, sandbox, settings.seal)
        codes = Codes(load_commands(), settings.seal)
        self.dispatch = Dispatch(self.house)
        self.store = Store(db, codes)
        answering, running = Answering(self.house), Running(self.house)
        own = {
            "playbook mfa": Enrolling(self.house).view, "playbook answer": answering.view,
            "incident declare": Declaring(self.house).view, "incident postmortem": Retelling(self.house).view,
            **dict.fromkeys(RUNNING, running.view), **dict.fromkeys(CHOSEN, Choosing(self.house, load_commands()).view),
        }  # fmt: skip
        checks = {"playbook answer": answering.errors, **dict.fromkeys(RUNNING, running.errors)}
        wants, leads = dict.fromkeys(RUNNING, running.wants), dict.fromkeys(RUNNING, running.leads)
        self.questions = Questions(slack, load_commands(), self.house, policy, own, checks, wants, leads)
        self.worker = Worker(db, self.dispatch, policy, metrics, owner=name, looks=self.directory)
        self.sender = Sender(db, slack, metrics, owner=name)
        self.projector = Projector(db, slack, policy, metrics, url=settings.url, owner=name)
        self.clock = Clock(db, owner=name)
        self.ruling = Ruling(db, self.file, self._use, owner=name)
        journal = Journal(settings.muster_journal, name, secrets.token_hex(8))
        self.blind = Blind(journal, slack, self.connectors.tools.get(PagerDuty), policy, lambda: self.directory.home)
        self.importer = Importer(db, self.blind, self.connectors.pagerduty_reads, owner=name)
        self.door = self._door()
        self.socket = self._socket()
        self.health = Health(db, metrics, self._dead, self._not_ready)
        self.server = Server(settings.muster_host, settings.muster_port)
        self._serves()

    @property
    def url(self) -> str:
        """Where the HTTP server listens."""
        return self.server.url

    def _door(self) -> SlackDoor:
        settings = self.settings
        client = AsyncWebClient(reveal(settings.slack_bot_token), base_url=settings.slack_api_url, retry_handlers=[])
        return SlackDoor(
            self.store, self.questions, self.metrics, client=client,
            signing_secret=reveal(settings.slack_signing_secret),
            instead=self.blind.instead, capture=self.policy.capture,
        )  # fmt: skip

    def _socket(self) -> SocketMode | None:
        token = reveal(self.settings.slack_app_token)
        return SocketMode(self.door, token, self.settings.slack_api_url, self.metrics) if token else None

    def _serves(self) -> None:
        hooks = tuple(reveal(one) for one in self.settings.pagerduty_webhook_secret)
        self.server.post("/slack/events", self.door.http)
        self.server.post("/webhooks/pagerduty", PagerDutyDoor(self.store, self.metrics, hooks).http)
        tokens = tuple(reveal(one) for one in self.settings.alertmanager_webhook_token)
        self.server.post("/webhooks/alertmanager", AlertmanagerDoor(self.store, self.metrics, tokens).http)
        incoming = IncomingDoor(self.store, self.metrics, self.settings.webhook_secrets)
        self.server.post("/webhooks/in/{name}", incoming.http)
        self.server.get("/livez", self.health.livez)
        self.server.get("/readyz", self.health.readyz)
        self.server.get("/metrics", self.health.metrics)
        self.server.get("/mfa/{ticket}.png", Pictures(self.db, self.settings.seal).http)
        self.pages = Pages(self.settings, self.house, self.store, self.questions, self.directory, self.server)
        self.pages.serve(self.server)

    def _dead(self) -> str:
        parts = (self.worker, self.sender, self.projector, self.clock, self.importer, self.ruling)
        ended = [one.duty.name for one in parts if one.duty.ended]
        return f"ended by a fault: {', '.join(ended)}" if ended else ""

    def _not_ready(self) -> str:
        if self.socket is not None and "web" in self._roles and not self.socket.connected:
            return "Socket Mode is not connected"
        return ""

    async def start(self, roles: Collection[str] = ROLES) -> None:
        """Start these roles. web: the doors; worker: asks, runs, answers, cards, clock.

        Raises Refused when the database is not at this version's schema. While it does not answer, the doors are open
        all the same (blind mode) and this waits; without doors it raises Unreachable.
        """
        self._roles = frozenset(roles)
        ruling, opened = await self._ruling_or_blind()
        if ruling != self.policy:
            if opened:
                await self._close_doors()
            self._wire(ruling)
            opened = False
        self._tasks.start(self.health.watch())
        self.health.answered = True
        if "web" in self._roles and not opened:
            await self._open_doors()
        await self.importer.start()
        await self._follow()
        if "worker" in self._roles:
            await self.engine.start()
            await self.sender.start()
            await self.projector.start()
            if self.policy.anchors.places:
                await self._arm(anchors.arm)
            await self._arm(quorum_check.arm)
            await self.clock.start()
            self._tasks.start(self._work())
            if not self.db.sqlite:
                self._tasks.start(self._hear())
        log.info("app.started", roles=sorted(self._roles), replica=self.settings.muster_replica)

    async def _arm(self, timer: Callable[[Tx], None]) -> None:
        """Set a timer that stands once however often it is set. A line that was cut is no reason not to start."""
        while True:
            try:
                return await self.db.write(timer)
            except Unreachable as error:
                log.warning("app.not_armed", error=str(error))
                await asyncio.sleep(LOOK_AGAIN_S)

    async def _ruling_or_blind(self) -> tuple[Policy, bool]:
        """The policy that rules, and whether the doors were opened before it was known."""
        try:
            return await self._ruling(), False
        except Unreachable as error:
            if "web" not in self._roles:
                raise
            log.error("app.started_blind", error=str(error))
        await self._open_doors()
        while True:
            await asyncio.sleep(LOOK_AGAIN_S)
            with contextlib.suppress(Unreachable):
                return await self._ruling(), True

    async def _ruling(self) -> Policy:
        await self._schema()
        return await self.db.write(lambda tx: ruling_policy(tx, self.policy))

    async def _follow(self) -> None:
        """Ask for what this file proposes, and from now on use whatever is approved, here or elsewhere."""
        digest = self.file.digest()
        if digest != self.policy.digest():
            await self.db.write(lambda tx: ask(tx, self.engine.house, digest))
        await self.ruling.start(self.policy)

    def _use(self, ruling: Policy) -> None:
        """Let this policy rule. Whoever else was handed one reads nothing of its guarded sections."""
        self.policy = self.house.policy = self.engine.house.policy = self.blind.policy = ruling
        self.projector.follow(ruling)

    async def _open_doors(self) -> None:
        await self.server.start()
        if self.socket is not None:
            await self.socket.start()

    async def _close_doors(self) -> None:
        if self.socket is not None:
            await self.socket.stop()
        await self.server.stop()
        await self.questions.close()
        await self.store.close()
        await self.blind.close()

    async def _schema(self) -> None:
        url = self.settings.database_url
        if self.db.sqlite:
            await asyncio.to_thread(migrate.upgrade, url)  # one file, one runner: no release step to wait for
        elif await asyncio.to_thread(migrate.pending, url):
            raise Refused("The database is not at this version's schema.", todo="Run `muster migrate` first.")

    async def _work(self) -> None:
        """Asks are handled once it is known which workspace is home: who asks is judged by it."""
        await self.directory.find_home()
        await self.worker.start()
        await self.directory.refresh_groups(self.policy)
        with contextlib.suppress(MusterError):  # only saves the first declare a look-up
            await self.slack.usergroups()

    async def _hear(self) -> None:
        """Hints of other processes (PostgreSQL). Lost ones are found by the polls."""
        while True:
            listening = asyncio.create_task(self._listen())
            try:
                await asyncio.wait([listening])
            finally:
                listening.cancel()
                await asyncio.gather(listening, return_exceptions=True)  # it closes its connection before we end
            error = listening.exception() if listening.done() and not listening.cancelled() else None
            log.warning("app.notifications_lost", error=type(error).__name__)
            await asyncio.sleep(1.0)

    async def _listen(self) -> None:
        wakes = {
            "inbox": self.worker.wake, "replies": self.sender.wake, "cards": self.projector.wake,
            "timers": self.clock.wake, "runs": self.engine.wake, "policy": self.ruling.wake,
        }  # fmt: skip
        async with contextlib.aclosing(self.db.notifications()) as topics:
            async for topic in topics:
                if wake := wakes.get(topic):
                    wake()

    async def stop(self) -> None:
        """Not ready first, accept nothing new, finish what is in hand, give leases back, close."""
        self.health.stopping = True
        if "web" in self._roles:
            await self._close_doors()
        await self.importer.stop()
        await self.ruling.stop()
        if "worker" in self._roles:
            await self.worker.stop()
            await self.engine.stop()
            await self._last_words()
            await self.clock.stop()
            await self.projector.stop()
            await self.sender.stop()
        await self._tasks.finish(0.0)
        await self.connectors.close()
        await self.db.close()
        log.info("app.stopped")

    async def _last_words(self) -> None:
        """What the last asks answered and changed goes out now where it can; else the next process sends it."""
        try:
            async with asyncio.timeout(LAST_WORDS_S):
                await self.sender.send_due()
                await self.projector.draw_due()
                await asyncio.gather(self.sender.settle(), self.projector.settle())
        except (TimeoutError, Unreachable) as error:
            log.warning("app.left_for_the_next", error=type(error).__name__)


def build(settings: Settings) -> App:
    """An App that is not started. Raises Refused for a policy that cannot be read or a missing Slack token."""
    connectors = connect(settings)
    if connectors.slack is None:
        raise Refused("SLACK_BOT_TOKEN is not set.", todo="`muster manifest` makes the app, `muster doctor` checks it.")
    if not (settings.slack_app_token or settings.slack_signing_secret):
        raise Refused(
            "Neither SLACK_APP_TOKEN (Socket Mode) nor SLACK_SIGNING_SECRET (HTTP) is set: Slack cannot reach Muster.",
            todo="Set one of them.",
        )
    return App(settings, load_policy(settings.muster_config), connectors, connectors.slack)


def _folders(settings: Settings, policy: Policy) -> tuple[Path, ...]:
    """The library's own folder, then the organisation's: relative ones stand beside the policy file."""
    beside = settings.muster_config.resolve().parent
    own = [*policy.playbooks, *([settings.muster_playbooks] if settings.muster_playbooks else [])]
    return (BUILT_IN, *(beside / folder for folder in own))
