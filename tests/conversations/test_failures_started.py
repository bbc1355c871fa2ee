"""What commands set off, when its first call outside fails: who asked is told, nothing is doubled, and what could not be
done is said with what to do by hand.

Declaring has its own file (test_failures_declare.py), the failover too; each step of each playbook in tests/library.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from shutil import copy
from typing import Any

import pytest

from bot.sandbox.client import Message
from tests.conversations.test_failures_declare import another

HERE = "#inc-1-search-is-slow"
ANA, BEN = "U0ANA", "U0BEN"
PASSING = ("429", "500", "timeout_after")
GOOD = "for good"


async def _pages(town: Any) -> int:
    return len((await town.sb.pagerduty())["incidents"])


async def _resolved(town: Any) -> int:
    return len([one for one in (await town.sb.pagerduty())["incidents"] if one["status"] == "resolved"])


async def _told(town: Any) -> int:
    return len([m for m in await town.sb.messages(f"@{BEN}", BEN) if "You are *Tech lead*" in m.plain])


async def _published(town: Any) -> int:
    return len((await town.sb.statuspage())["incidents"])


async def _posted(town: Any) -> int:
    return len([m for m in await town.sb.messages(HERE) if m.plain.startswith("*Update* Search answers")])


async def _drafts(town: Any) -> int:
    return len([m for m in await town.sb.messages(HERE) if m.files])


@dataclass(frozen=True)
class Started:
    """One command. call: its first one outside; refusal: how the service refuses it for good; done: counts the effect;
    quiet: who asked hears only of failures; by_hand: what they are told to do."""

    line: str
    call: tuple[str, str]
    refusal: str
    done: Callable[[Any], Awaitable[int]]
    by_hand: str
    quiet: bool = False


COMMANDS = {
    "sev": Started("/incident sev sev1 all shops", ("pagerduty", "POST /v2/enqueue"), "error:forbidden", _pages,
                   "Call the on-call"),
    "role": Started(f"/incident role tech <@{BEN}|ben>", ("slack", "conversations.open"), "missing_scope", _told,
                    "Do it by hand in Slack", quiet=True),
    "publish": Started("/incident publish", ("statuspage", "POST /incidents"), "error:forbidden", _published,
                       "Publish by hand"),
    "send": Started("Send", ("slack", "chat.postMessage"), "missing_scope", _posted, "Do it by hand in Slack"),
    "postmortem": Started("/incident postmortem", ("slack", "files.getUploadURLExternal"), "missing_scope", _drafts,
                          "Do it by hand in Slack"),
    "resolve": Started("/incident resolve it was an index", ("pagerduty", "POST /v2/enqueue"), "error:forbidden",
                       _resolved, "Call the on-call"),
}  # fmt: skip


@dataclass
class Asking:
    """Ana in one town."""

    town: Any

    async def heard(self) -> list[Message]:
        """What she alone was told in the channel."""
        return [m for m in await self.town.sb.messages(HERE, ANA) if m.ephemeral_for == ANA]

    async def does(self, name: str, mode: str) -> list[str]:
        """Play this command while its first call fails so; what she is told of how it went."""
        started, sb = COMMANDS[name], self.town.sb
        preview = await self._preview() if started.line == "Send" else None
        service, method = started.call
        lasting = mode == GOOD
        before = {m.ts for m in await self.heard()}
        await sb.fail(service, method, started.refusal if lasting else mode, times=-1 if lasting else 1, retry_after=1)
        if preview:
            await sb.click(ANA, HERE, "Send", ts=preview.ts)
        else:
            await sb.type(ANA, HERE, started.line)

        async def settled() -> Any:
            said = [m.plain for m in await self.heard() if m.ts not in before]
            ends = [one for one in said[1:] if ("by hand" in one or started.by_hand in one if lasting else "✅" in one)]
            silent = started.quiet and not lasting and await started.done(self.town) == 1
            return said if ends or silent else None

        said: list[str] = await sb.wait_until(settled, timeout=60)
        await sb.clear_faults()
        met = [call for call in await sb.calls(service, method) if call["fault"]]
        assert met, "the planned failure was met"
        return said

    async def _preview(self) -> Message:
        return await self.town.says(ANA, HERE, "/incident update Search answers again.", "Preview")


async def plays(town: Any, mode: str) -> None:
    """All commands in one incident, each with its first call failing in this way."""
    await town.muster(muster_read_timeout=3.0)
    await town.sb.type(ANA, "#general", "/incident declare sev3 search is slow service=checkout")
    await town.sb.wait_for(HERE, lambda m: m.button("Resolve") is not None, timeout=60)
    await town.sb.change_channel(HERE.removeprefix("#"), add=[ANA, BEN])
    ana = Asking(town)
    for name, started in COMMANDS.items():
        said = await ana.does(name, mode)
        assert len(set(said)) == len(said), f"{name}: nothing is said twice: {said}"
        assert not [one for one in said if "went wrong" in one.lower()]
        wanted = 0 if mode == GOOD else 1
        assert await started.done(town) == wanted, f"{name} with {mode}: {said}"
        if mode == GOOD:
            told = said[-1]
            assert "⚠️" in told and started.by_hand in told and "Again: `/playbook retry INC-1/" in told, told
    await town.proven()


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
async def test_what_a_command_sets_off_survives_a_failing_first_call(
    town: Any, sqlite_template: Path, tmp_path: Path
) -> None:
    """All ways of failing at once, each in a town of its own."""

    async def one(mode: str) -> None:
        name = mode.replace(" ", "-")
        copy(sqlite_template, tmp_path / f"{name}.db")
        async with another(town, f"sqlite:///{tmp_path / name}.db") as here:
            try:
                await plays(here, mode)
            except (AssertionError, TimeoutError) as error:
                shown = "\n".join(m.plain for m in await Asking(here).heard())
                raise AssertionError(f"{mode}: {error}\nAna was told:\n{shown}") from error

    ways = [one(mode) for mode in (*PASSING, GOOD)]
    wrong = [error for error in await asyncio.gather(*ways, return_exceptions=True) if error is not None]
    assert not wrong, "\n\n".join(str(error) for error in wrong)
