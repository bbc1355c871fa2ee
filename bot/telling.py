"""The demo's conversation on a terminal: who typed what, what the channel then shows, what the outside world did.

Belongs here: drawing. Does not belong here: the story (bot/demo.py) or any check.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.panel import Panel

from bot.sandbox.client import Message

NAMES = {"U0ANA": "Ana", "U0BEN": "Ben", "U0CHI": "Chi", "U0DOV": "Dov", "U0EVE": "Eve"}
_EMOJI = re.compile(r"<(https?://[^|>]+)\|([^>]+)>")


class Teller:
    """Prints one line or box for each thing that happens."""

    def __init__(self, console: Console | None = None) -> None:
        self.out = console or Console(highlight=False, width=110)

    def title(self, text: str) -> None:
        """The first line."""
        self.out.rule(f"[bold]{text}")

    def waiting(self, text: str) -> None:
        """Something slow is going on."""
        self.out.print(f"[dim]… {text}[/dim]")

    def chapter(self, name: str, about: str) -> None:
        """A part of the story."""
        self.out.print()
        self.out.rule(f"[bold cyan]{name}[/bold cyan] [dim]{about}[/dim]", align="left")

    def typed(self, user: str, channel: str, line: str) -> None:
        """A person typed."""
        self.out.print(f"\n[bold yellow]{NAMES.get(user, user)}[/] [dim]{channel}[/]  [bold]{escape(line)}[/]")

    def pressed(self, user: str, channel: str, what: str) -> None:
        """A person pressed a button."""
        self.out.print(f"\n[bold yellow]{NAMES.get(user, user)}[/] [dim]{channel}[/]  presses [bold][{what}][/]")

    def act(self, user: str, where: str, what: str) -> None:
        """A person did something outside Slack."""
        self.out.print(f"\n[bold yellow]{user}[/] [dim]{where}[/]  {what}")

    def message(self, channel: str, message: Message, only: str | None) -> None:
        """A message, and who sees it."""
        whom = f"only {NAMES.get(message.ephemeral_for or '', 'one')} sees" if message.ephemeral_for else channel
        self.out.print(Padding(f"[dim]{whom}:[/] {escape(_told(message))}{_buttons(message)}", (0, 0, 0, 4)))

    def card(self, channel: str, message: Message, *, short: bool = False) -> None:
        """A card as the channel shows it now. short: only what changed lately (its last lines)."""
        lines = _told(message).splitlines()
        text = "\n".join(lines[-3:] if short else lines)
        box = Panel(f"{escape(text)}{_buttons(message)}", title=f"[dim]{channel}[/]", title_align="left", width=100)
        self.out.print(Padding(box, (0, 0, 0, 4)))

    def world(self, who: str, what: str) -> None:
        """The outside world shows an effect."""
        self.out.print(f"    [green]✔ {who}[/] {what}")

    def excerpt(self, markdown: str, lines: int = 26) -> None:
        """The head of the post-mortem."""
        text = "\n".join(markdown.splitlines()[:lines])
        self.out.print(Padding(Panel(escape(text), title="INC-1-post-mortem.md", title_align="left"), (1, 0, 0, 4)))

    def kept(self, files: Mapping[str, Path], words: str, evidence: Path, verdict: str) -> None:
        """Where things are now. verdict: what the verifier in the evidence pack says of it."""
        self.out.print()
        for name, path in files.items():
            self.out.print(f"    [bold]{name}[/]: {path}")
        muster = os.path.relpath(sys.argv[0])
        self.out.print(f"    [green]✔ {words}[/]  (check again: {muster} verify {list(files.values())[1]})")
        self.out.print(f"    [bold]evidence pack[/]: {evidence}  [green]✔ by its own verify.py: {escape(verdict)}[/]")
        self.out.print(f"\n[bold green]Everything happened.[/] Play on, in a browser: [bold]{muster} sandbox[/]\n")

    def failed(self, words: str) -> None:
        """Something did not happen."""
        self.out.print(f"\n[bold red]The demo failed.[/] {escape(words)}")


def _told(message: Message) -> str:
    """What is read: the blocks where there are any (the text is then for notifications), without the buttons."""
    lines = plain(message.plain).splitlines()
    head = plain(message.text).splitlines()
    rest = lines[len(head) :]
    if message.blocks and rest and rest[0].startswith(head[0][:20]):
        lines = rest
    labels = {f"[{button.text}]" for button in message.buttons}
    return "\n".join(line for line in lines if line not in labels)


def plain(text: str) -> str:
    """Slack's mrkdwn for a terminal: links as their words, people by name."""
    text = _EMOJI.sub(r"\2", text)
    for user, name in NAMES.items():
        text = re.sub(rf"<@{user}(\|[^>]*)?>", name, text)
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _buttons(message: Message) -> str:
    shown = "  ".join(f"\\[{button.text}]" for button in message.buttons)
    return f"\n[bold]{shown}[/]" if shown else ""
