"""`muster login` and `muster logout`: a terminal that speaks for one person, and the file that holds its token.

Belongs here: pairing, the file (mode 0600), ending it. Does not belong here: asking with it (cli_person.py), what is
kept of it (storage/credentials.py). The database is reached directly: this works while Slack does not answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import json
import os
import socket
import stat
import sys
import time
from pathlib import Path

import typer

from bot.settings import Settings
from playbooks.errors import Refused
from storage import credentials, people
from storage.credentials import Credential, new_pairing, new_token
from storage.db import Database, Tx, Unreachable

LOOK_EVERY_S = 1.0


def token_file() -> Path:
    """Where the token is: the user's configuration folder."""
    return Path(typer.get_app_dir("muster")) / "terminal.json"


def save(file: Path, token: str, credential: str) -> None:
    """Write it so that nobody else can read it, not even for a moment."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = file.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="utf-8") as out:
        json.dump({"token": token, "credential": credential}, out)
    fresh.replace(file)


def read(file: Path) -> str:
    """The token. Raises Refused where there is none or others could have read it."""
    try:
        mode = file.stat().st_mode
        token = str(json.loads(file.read_text(encoding="utf-8"))["token"])
    except FileNotFoundError:
        raise Refused("This terminal speaks for nobody yet.", todo="`muster login` begins.") from None
    except (ValueError, KeyError, TypeError):
        raise Refused(f"{file} cannot be read.", todo="`muster login` makes a new one.") from None
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise Refused(
            f"{file} can be read by others of this machine, so its token may be theirs too.",
            todo="`/playbook cli revoke` in Slack ends it; then `muster login` again.",
        )
    return token


async def login(settings: Settings, *, file: Path | None = None, wait_s: float = 600.0) -> int:
    """Show a pairing code, wait until its person confirms it in Slack, keep the token. 2 when nobody does in time."""
    file, pairing, token = file or token_file(), new_pairing(), new_token()
    _say(f"In Slack, within {wait_s / 60:.0f} minutes, type:\n\n    /playbook cli {pairing}\n\nWaiting …\n")
    async with Database(settings.database_url) as db:
        found = await _claimed(db, pairing, token, wait_s)
        if found is None:
            _say("Nobody confirmed it in time. `muster login` makes a new code.\n")
            return 2
        save(file, token, found.id)
        name = await db.read(lambda tx: people.name(tx, found.person))
    _say(f"This terminal speaks for {name} until {found.expires_at:%d %b %Y %H:%M} UTC, each time with a code.\n")
    return 0


async def _claimed(db: Database, pairing: str, token: str, wait_s: float) -> Credential | None:
    label, end = f"{getpass.getuser()}@{socket.gethostname()}", time.monotonic() + wait_s
    while time.monotonic() < end:
        if await db.read(lambda tx: credentials.allowed(tx, pairing)):
            return await db.write(lambda tx: credentials.claim(tx, pairing, token, label))
        await asyncio.sleep(LOOK_EVERY_S)
    return None


async def logout(settings: Settings, *, file: Path | None = None) -> int:
    """End this terminal: in the record, then here."""
    file, db = file or token_file(), Database(settings.database_url)
    token = read(file)

    def work(tx: Tx) -> bool:
        mine = credentials.use(tx, token)
        return mine is not None and credentials.revoke(tx, mine.id, mine.person)

    try:
        ended = await db.write(work)
    except Unreachable:
        file.unlink()
        _say("The token is deleted here, but the database did not answer: end it with `/playbook cli revoke` too.\n")
        return 1
    finally:
        with contextlib.suppress(Unreachable):
            await db.close()
    file.unlink()
    _say("This terminal speaks for nobody any more.\n" if ended else "It had ended already; its file is deleted.\n")
    return 0


def _say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
