"""Questions: a modal is opened at once by the process that received the press, and nothing is stored (design 9).

Belongs here: whether a line wants a modal, opening it beside the acknowledgement, form checks inside it. Does not
belong here: how a modal looks (render/modal.py), what becomes of a submitted one (it is stored as an ask).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import structlog

from bot import words
from bot.normalise import Inbound
from bot.render import modal
from bot.render.blocks import Block
from bot.render.forms import Origin
from bot.tasks import Tasks
from commands.command import Command
from commands.fields import wrong_in
from playbooks.connectors.slack import Slack
from playbooks.errors import MusterError, Temporary
from playbooks.policy import Policy
from storage.db import Unreachable
from storage.inbox import Ask

Wants = Callable[[Ask], bool]
Leads = Callable[[Ask], str]
Shows = Callable[[Ask, Origin], Awaitable[Block]]
Checks = Callable[[Ask], Awaitable[Mapping[str, str]]]
log = structlog.get_logger(__name__)

SEEN_MOST = 2000
CHECK_S = 1.0  # of the three seconds an acknowledgement has


class Questions:
    """Opens modals and checks forms. house: handed to `Command.check`; policy: what a form offers to choose from.

    own: command -> who makes its modal, where that is more than its fields; checks: command -> who finds what is wrong
    in it (field -> words; one read at most). wants: command -> whether a line opens it that `Command.form` lets pass;
    leads: command -> the line whose form comes after a sent one, "" when that was all.
    """

    def __init__(
        self,
        slack: Slack,
        commands: Mapping[str, type[Command]],
        house: Any,
        policy: Policy,
        own: Mapping[str, Shows] | None = None,
        checks: Mapping[str, Checks] | None = None,
        wants: Mapping[str, Wants] | None = None,
        leads: Mapping[str, Leads] | None = None,
    ) -> None:
        self._slack = slack
        self._own = own or {}
        self._checks = checks or {}
        self._wants = wants or {}
        self._leads = leads or {}
        self._commands = commands
        self._house = house
        self._policy = policy
        self._tasks = Tasks("questions")
        self._seen: OrderedDict[str, None] = OrderedDict()

    async def take(self, inbound: Inbound) -> bool:
        """Open a modal for this press, if its line wants one; True when the press is answered by that."""
        ask = inbound.ask
        assert ask is not None
        command = self.command_of(ask.line)
        if not inbound.asks and not await self.opens(ask):
            return False
        if inbound.trigger in self._seen:
            return True  # the same press delivered again: its modal is open already
        self._seen[inbound.trigger] = None
        if len(self._seen) > SEEN_MOST:
            self._seen.popitem(last=False)
        self._tasks.start(self._open(inbound, ask, command))
        return True

    async def errors(self, inbound: Inbound) -> dict[str, str]:
        """What is wrong in a submitted form: block id -> words. Empty: store it (also when nobody can look now)."""
        assert inbound.ask is not None
        command = self.command_of(inbound.ask.line)
        if command is None:
            return {}
        values = {name: str(value) for name, value in inbound.ask.values.items()}
        wrong = wrong_in(command, values, self._policy, datetime.now(UTC)) | dict(command.check(values, self._house))
        if check := self._checks.get(command.words):
            with contextlib.suppress(Unreachable, TimeoutError):
                async with asyncio.timeout(CHECK_S):
                    wrong |= await check(inbound.ask)
        anywhere = next(iter(inbound.blocks.values()), "")
        found = {inbound.blocks.get(name, anywhere): text[:2000] for name, text in wrong.items()}
        return {block: text for block, text in found.items() if block}

    async def opens(self, ask: Ask) -> bool:
        """Whether a line wants a form first. A line that cannot be judged in time is simply asked."""
        command = self.command_of(ask.line)
        if command is None:
            return False
        wants = self._wants.get(command.words)
        if command.form(ask) or wants is None:
            return command.form(ask)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CHECK_S):
                return await asyncio.to_thread(wants, ask)
        return False

    def leads_to(self, ask: Ask) -> str:
        """The line whose form comes after this sent one, or ""."""
        command = self.command_of(ask.line)
        leads = self._leads.get(command.words) if command else None
        return leads(ask) if leads else ""

    async def next(self, ask: Ask) -> Block | None:
        """The form that takes the place of this sent one, or None: store it (also when nothing can be read now)."""
        line, command = self.leads_to(ask), self.command_of(ask.line)
        if not line or command is None:
            return None
        return await self.form(replace(ask, line=line, values={}), command)

    def tell(self, response_url: str, text: str) -> None:
        """Say something to the person who pressed, beside the acknowledgement."""
        self._tasks.start(self._respond(response_url, text))

    async def close(self, within_s: float = 5.0) -> None:
        """Let modals that are being opened get there."""
        await self._tasks.finish(within_s)

    def command_of(self, line: str) -> type[Command] | None:
        """The command whose words begin this line."""
        said = line.split()
        return self._commands.get(" ".join(said[:2]).lower())

    async def form(self, ask: Ask, command: type[Command]) -> Block:
        """The whole form of a command, as a modal's view; pages show the same one. Raises Unreachable."""
        origin = Origin(ask.line, ask.channel, ask.message_ts, ask.response_url)
        if command.words in self._own:
            return await self._own[command.words](ask, origin)
        return modal.view(command, origin, self._policy)

    async def _open(self, inbound: Inbound, ask: Ask, command: type[Command] | None) -> None:
        try:
            if inbound.asks:
                origin = Origin(ask.line, ask.channel, ask.message_ts, ask.response_url)
                shown = modal.one_field(command, inbound.asks, origin, self._policy)
            else:
                assert command is not None
                shown = await self.form(ask, command)
            await self._slack.open_view(inbound.trigger, shown)
        except (MusterError, Unreachable) as error:
            # Too late, or Slack is busy: a trigger lives 3 s, so there is no second try.
            log.warning("questions.not_opened", line=" ".join(ask.line.split()[:2]), error=type(error).__name__)
            example = command.examples[0] if command and command.examples else ""
            if ask.response_url:
                await self._respond(ask.response_url, words.no_form(example))

    async def _respond(self, response_url: str, text: str) -> None:
        for _ in range(2):
            try:
                await self._slack.respond(response_url, text)
                return
            except Temporary:
                continue
            except MusterError as error:
                log.warning("questions.not_told", error=type(error).__name__)
                return
