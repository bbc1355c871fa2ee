"""Asking from an enrolled terminal as oneself: the same asks, the same dispatch, the same people, and always a code.

Works over the database alone, so also while Slack does not answer. Belongs here: who asks, the code, storing the ask,
what an approval is shown as before it is given. Does not belong here: enrolling (cli_login.py), waiting for answers.
"""

from __future__ import annotations

import getpass
import secrets
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from bot.cli import answers
from bot.cli_login import read, token_file
from bot.codes import Codes
from bot.settings import Settings
from commands.command import load_commands
from playbooks.engine.approvals import short
from playbooks.errors import Refused
from storage import credentials, people, runs
from storage.credentials import AUDITOR, Credential
from storage.db import Database, Tx
from storage.inbox import Ask
from storage.runs import Approval

AskCode = Callable[[], str]


def ask_code() -> str:
    """The code, typed unseen; from standard input where there is no terminal."""
    return getpass.getpass("One-time code: ") if sys.stdin.isatty() else sys.stdin.readline().strip()


@dataclass(frozen=True)
class How:
    """How to ask. wait_s: how long for answers; code: where it comes from; file: where the token is."""

    wait_s: float = 15.0
    as_json: bool = False
    code: AskCode = ask_code
    file: Path | None = None


HOW = How()


async def say(settings: Settings, line: str, how: How = HOW) -> int:
    """Ask as the person of this terminal; print the answers. 0 done, 1 refused, 2 no answer yet."""
    token = read(how.file or token_file())
    async with Database(settings.database_url) as db:
        await db.read(lambda tx: _known(tx, token))
        return await _ask(settings, db, token, line, how)


async def approve(settings: Settings, run: str, how: How = HOW) -> int:
    """Show what would be approved, then approve exactly that: the ask carries its digest."""
    token = read(how.file or token_file())
    async with Database(settings.database_url) as db:
        asked = await db.read(lambda tx: _asked(tx, token, run.strip().upper().replace("ORG/", "org/")))
        _show(asked)
        return await _ask(settings, db, token, f"playbook approve {asked.run} {asked.digest[:12]}", how)


def _asked(tx: Tx, token: str, run: str) -> Approval:
    _known(tx, token)
    found = runs.open_approval(tx, run)
    if found is None:
        raise Refused(f"Nothing in {run} waits for approval.", todo="`muster status` shows what goes on.")
    return found


def _show(asked: Approval) -> None:
    plan, console = asked.plan, Console(stderr=True, soft_wrap=True, highlight=False)
    console.print(f"{asked.run}, step {asked.idx}: {plan.get('effect')}", markup=False, style="bold")
    for warning in plan.get("warnings") or ():
        console.print(f"  {warning}", markup=False)
    loss = plan.get("data_loss") or "not known"
    console.print(f"  data lost if you go now: {loss}; {short(asked.digest)}", markup=False)
    console.print(f"  expires {asked.expires_at:%H:%M:%S} UTC", markup=False)


def _known(tx: Tx, token: str) -> Credential:
    """Whose token it is. Raises Refused where it is nobody's any more, or one that may only look."""
    found = credentials.find(tx, token)
    if found is None:
        raise Refused("This terminal's enrolment has ended or was revoked.", todo="`muster login` begins anew.")
    if found.role == AUDITOR:
        raise Refused("This terminal is an auditor's: it may verify and export, and ask for nothing else.")
    return found


async def _ask(settings: Settings, db: Database, token: str, line: str, how: How) -> int:
    if settings.seal is None:
        raise Refused(
            "MUSTER_KEY is not set here, so no code can be checked and nothing was asked.",
            todo="Ask from where Muster's own environment is.",
        )
    codes, given = Codes(load_commands(), settings.seal), how.code()
    key = f"cli:{secrets.token_hex(8)}"

    def store(tx: Tx) -> None:
        mine = _known(tx, token)
        credentials.use(tx, token)
        ask = Ask(
            key=key, kind="cli", line=line.lstrip("/ "), account_kind=people.CLI, account=mine.id, via="cli",
            values={"code": given},
        )  # fmt: skip
        codes.store(tx, ask)

    await db.write(store)
    return await answers(db, key, how.wait_s, how.as_json)
