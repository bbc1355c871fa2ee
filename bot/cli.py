"""What the command line does: run the processes, say a line, run the local workspace. `__main__` only parses.

Belongs here: those functions, each an exit code. Does not belong here: looking after the record (record.py). Raises
MusterErrors and Unreachable; `__main__` turns them into words.
"""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import os
import secrets
import shlex
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Collection, Sequence
from pathlib import Path

import structlog
from rich.console import Console

from bot.app import App, build
from bot.codes import Codes
from bot.connectors import connect
from bot.render.terminal import reply_text, reply_view
from bot.settings import Settings
from commands.command import load_commands
from commands.reading import quote
from playbooks.engine.library import BUILT_IN
from playbooks.errors import Refused
from storage import inbox, replies, sealing
from storage.db import Database, Tx
from storage.inbox import Ask

EXAMPLE = BUILT_IN.parents[1] / "muster.example.yaml"
OPEN_STATES = ("received", "claimed")
NOBODY = "It is stored, but nobody has handled it yet. Is a `muster serve` running on this database?"
QUIET_S = 1.2  # after an ask is settled a further line may follow it; the terminal waits this long for one


def logs(level: str) -> None:
    """Structured logs on standard error: for people on a terminal, JSON lines elsewhere."""
    number = logging.getLevelNamesMapping().get(level.upper(), logging.INFO)
    tty = sys.stderr.isatty()
    # Plain tracebacks: the pretty ones print local variables, and a token may be among them.
    people = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    last: structlog.types.Processor = people if tty else structlog.processors.JSONRenderer()
    steps: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        *([] if tty else [structlog.processors.format_exc_info]),
        last,
    ]
    structlog.configure(
        processors=steps,
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    logging.basicConfig(level=max(number, logging.WARNING), stream=sys.stderr)


async def serve(settings: Settings, roles: Collection[str]) -> int:
    """Run until SIGTERM or SIGINT, then stop in order."""
    app = build(settings)
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    await run(app, roles, ended)
    return 0


async def run(app: App, roles: Collection[str], ended: asyncio.Event) -> None:
    """Start, wait, stop; also when the start itself fails half-way, or waits for a database until the end."""
    starting, over = asyncio.create_task(app.start(roles)), asyncio.create_task(ended.wait())
    try:
        await asyncio.wait((starting, over), return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            starting.result()
            gc.collect()
            gc.freeze()  # what is imported stays: no collector pass over it in the middle of a burst of asks
            await over
    finally:
        for task in (starting, over):
            task.cancel()
        await asyncio.gather(starting, over, return_exceptions=True)
        await app.stop()


# --- saying -------------------------------------------------------------------------------------------------------


def one_line(words: Sequence[str]) -> str:
    """The words of a shell as one line: what it took for one word and holds spaces stands in quotes again."""
    if len(words) == 1:
        return words[0]
    keyed = [word.partition("=") for word in words]
    return " ".join(
        f"{key}={quote(value)}"
        if equals and " " in value and key.isidentifier()
        else quote(word)
        if " " in word
        else word
        for word, (key, equals, value) in zip(words, keyed, strict=True)
    )


async def say(settings: Settings, line: str, *, as_user: str, channel: str | None, wait_s: float, as_json: bool) -> int:
    """Ask as somebody of the sandbox, through the same inbox; print the answers. 0 done, 1 refused, 2 no answer yet."""
    if settings.sandbox_url is None:
        raise Refused(
            "`--as` speaks for somebody else: it works only against the sandbox (SANDBOX_URL is not set).",
            todo="Start one with `muster sandbox`, or type the line in Slack.",
        )
    connectors = connect(settings)
    db = Database(settings.database_url)
    try:
        if connectors.slack_reads is None:
            raise Refused("SLACK_BOT_TOKEN is not set.", todo="Take the variables `muster sandbox` prints.")
        team = (await connectors.slack_reads.auth_test()).team_id
        ask = Ask(
            key=f"cli:{secrets.token_hex(8)}", kind="cli", line=line.lstrip("/ "), account_kind="slack",
            account=f"{team}/{as_user}", via="cli", team=team, channel=channel,
        )  # fmt: skip
        codes = Codes(load_commands(), settings.seal)
        await db.write(lambda tx: codes.store(tx, ask))
        return await answers(db, ask.key, wait_s, as_json)
    finally:
        await connectors.close()
        await db.close()


async def answers(db: Database, key: str, wait_s: float, as_json: bool) -> int:
    """Print the answers to an ask as they come. 0 done, 1 refused, 2 no answer in time."""
    plain = as_json or not sys.stdout.isatty()
    console, shown, ok = Console(soft_wrap=plain, highlight=False), set[str](), True
    end = time.monotonic() + wait_s
    settled_at: float | None = None

    def look(tx: Tx) -> tuple[str | None, list[dict[str, object]]]:
        return inbox.state(tx, key), replies.for_ask(tx, key)

    while time.monotonic() < end:
        state, rows = await db.read(look)
        for row in rows:
            if row["id"] not in shown and row["state"] == "sent":
                shown.add(str(row["id"]))
                body = row["body"]
                assert isinstance(body, dict)
                ok = ok and bool(body.get("ok", True))
                if as_json:
                    console.print(json.dumps(body, ensure_ascii=False), markup=False)
                else:
                    console.print(reply_view(body) if console.is_terminal else reply_text(body), markup=False)
                settled_at = None
        if state not in OPEN_STATES and shown:
            settled_at = settled_at or time.monotonic()
            if time.monotonic() - settled_at > QUIET_S:
                return 0 if ok else 1
        await asyncio.sleep(0.1)
    if shown:
        return 0 if ok else 1
    if as_json:
        console.print(json.dumps({"ok": False, "exit_code": 2, "error": NOBODY}, ensure_ascii=False), markup=False)
    Console(stderr=True).print(NOBODY)
    return 2


# --- the local workspace ------------------------------------------------------------------------------------------


async def sandboxed(port: int, rate_factor: float) -> int:
    """The stand-ins and a Muster serving them, in one process, until SIGTERM or Ctrl-C. Prints how to speak to them."""
    from bot.sandbox.server import Sandbox

    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    sandbox = Sandbox(rate_factor)
    await sandbox.start(port)
    warming = asyncio.create_task(sandbox.warm())
    try:
        with tempfile.TemporaryDirectory(prefix="muster-sandbox-") as folder:
            env = sandbox.env() | {"DATABASE_URL": f"sqlite:///{folder}/muster.db"}
            env["MUSTER_JOURNAL"] = f"{folder}/journal.jsonl"
            env["MUSTER_CONFIG"] = os.environ.get("MUSTER_CONFIG") or str(EXAMPLE)
            env["MUSTER_KEY"] = os.environ.get("MUSTER_KEY") or sealing.new_key()
            os.environ.update(env)  # secret references of the policy are read from the environment
            app = build(Settings.of(env, muster_port=_free_port()))  # known before the start: cards hold links
            started = asyncio.create_task(run(app, ("web", "worker"), ended))
            assert app.socket is not None, "the sandbox is reached by Socket Mode"
            connected = asyncio.gather(app.socket.up.wait(), warming)
            await asyncio.wait((started, connected), return_when=asyncio.FIRST_COMPLETED)
            connected.cancel()
            if not started.done():
                sandbox.webhooks.url, sandbox.web_url = f"{app.url}/webhooks/pagerduty", app.url
                _tell(env | {"MUSTER_URL": app.url}, sandbox.page.url, Path(folder) / "env")
            await started
    finally:
        warming.cancel()
        await sandbox.stop()
    return 0


def _free_port() -> int:
    """A loopback port nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def _tell(env: dict[str, str], page: str, file: Path) -> None:
    """How to speak to it from another terminal; the same lines in a file, since some values are longer than a line."""
    exports = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in env.items())
    file.touch(mode=0o600)
    file.write_text(exports, encoding="utf-8")
    sys.stdout.write(f"{exports}\n# The workspace runs. Open it in a browser on this machine:\n#   {page}\n")
    sys.stdout.write(f"# In another terminal, after the lines above, or:\n#   . {file}\n")
    sys.stdout.write('#   muster say "incident declare sev1 checkout is down" --as U0ANA --channel C0INCIDENTS\n')
    sys.stdout.flush()
