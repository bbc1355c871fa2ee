"""What `muster watch` shows: how the incident stands, its runs with progress, what waits for people, its latest events.

Belongs here: reading these rows for a terminal, and laying them out for its width. Does not belong here: looking again
(bot/watching.py). The board and the runs are the cards that Slack shows (board.py, run.py), in words.
"""

from __future__ import annotations

from dataclasses import dataclass

from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from bot.render import board, run
from bot.render.blocks import Drawn
from bot.render.facts import ENDED
from bot.render.terminal import card_text, card_view, to_text
from commands.events import say
from playbooks.policy import Policy
from storage import runs, timeline
from storage.db import Tx
from storage.export import Names
from storage.runs import Approval, Run, Step
from storage.timeline import Event

EVENTS = 200  # the most that are read for a screen
EVENTS_LEAST = 5  # lines of events that are drawn even where the screen is full
RUNS = 6
DONE = ("succeeded", "skipped", "failed", "uncertain", "aborted")
COLOURS = {"succeeded": "green", "incomplete": "yellow", "aborted": "red", "paused": "yellow"}


@dataclass(frozen=True)
class Going:
    """A run people see: its steps, the approval it waits for, and its card's lines."""

    run: Run
    steps: tuple[Step, ...]
    asked: Approval | None
    votes: int
    card: Drawn


@dataclass(frozen=True)
class Scene:
    """One look. last: number of the newest event; events: the newest, oldest first, as said."""

    id: str
    board: Drawn
    going: tuple[Going, ...]
    events: tuple[tuple[Event, str], ...]
    last: int


def read(tx: Tx, id: str, policy: Policy, url: str) -> Scene:
    """Everything of one look, in one transaction."""
    found = board.read(tx, id, policy, url)
    assert found is not None, "whoever watches has looked that there is such an incident"
    last = timeline.head(tx, id).seq
    names = Names(tx)
    events = tuple((one, say(one, names)) for one in timeline.read(tx, id, after=max(0, last - EVENTS)))
    shown = [one for one in runs.of_incident(tx, id) if one.shown]
    live = [one for one in shown if one.state not in ENDED]
    wanted = (live or shown)[-RUNS:]
    return Scene(id, board.draw(*found), tuple(_going(tx, one, policy, url) for one in wanted), events, last)


def _going(tx: Tx, one: Run, policy: Policy, url: str) -> Going:
    found = run.read(tx, one.id, policy, url)
    assert found is not None
    asked = runs.open_approval(tx, one.id)
    votes = len(runs.votes_on(tx, asked.id)) if asked else 0
    return Going(one, tuple(runs.steps_of(tx, one.id)), asked, votes, run.draw(*found))


def busy(tx: Tx, id: str) -> bool:
    """Whether runs of it, those of Muster's own too, have not ended."""
    return any(one.state not in ENDED for one in runs.of_incident(tx, id))


def lines(tx: Tx, id: str, after: int) -> list[tuple[int, Text]]:
    """Each event behind this number as a line."""
    names = Names(tx)
    return [(one.seq, _line(one, say(one, names))) for one in timeline.read(tx, id, after=after)]


def above(scene: Scene) -> Group:
    """How it stands: the board, then its runs."""
    board = Panel(_board(scene), title=scene.id, title_align="left", border_style="red")
    return Group(board, *(_run(one) for one in scene.going))


def newest(scene: Scene, most: int = EVENTS) -> Group:
    """Its newest events, a line each."""
    return Group(*(_line(event, said) for event, said in scene.events[-most:]))


def draw(scene: Scene, console: Console) -> RenderableType:
    """What a console's screen holds: all of the board and the runs, and the newest events in what they leave."""
    top = above(scene)
    room = max(EVENTS_LEAST, console.height - 1 - len(console.render_lines(top)))
    lines = newest(scene, room)
    for line in lines.renderables:
        assert isinstance(line, Text)
        line.no_wrap, line.overflow = True, "ellipsis"
    return Group(top, lines)


def _board(scene: Scene) -> Text:
    return card_text(Drawn(scene.board.text, tuple(one for one in scene.board.blocks if one["type"] != "actions")))


def _run(one: Going) -> RenderableType:
    """A bar over its steps, then its card in words, then what it waits for with the line to type."""
    ended = sum(step.state in DONE for step in one.steps)
    bar = Table.grid(expand=True, padding=(0, 1))
    bar.add_column(ratio=1)
    bar.add_column(justify="right", no_wrap=True)
    style = COLOURS.get(one.run.state, "cyan")
    count = f"{ended} of {len(one.steps)} steps"
    bar.add_row(ProgressBar(total=max(1, len(one.steps)), completed=ended, complete_style=style), count)
    parts: list[RenderableType] = [bar, card_view(part for part in one.card.blocks if part["type"] != "actions")]
    if one.asked is not None:
        parts.append(_asked(one, one.asked))
    return Panel(Group(*parts), title=one.run.id, title_align="left", border_style=style)


def _asked(one: Going, asked: Approval) -> Text:
    effect = " ".join(str(asked.plan.get("effect") or "").split())
    waits = f"🔐 step {asked.idx} waits for approval until {asked.expires_at:%H:%M:%S} UTC: {effect}"
    votes = f" ({one.votes} vote{'' if one.votes == 1 else 's'} so far)"
    return Text(f"{waits}{votes}\n→ muster approve {one.run.id}", style="bold yellow")


def _line(event: Event, said: str) -> Text:
    """`  24 14:11:02 Ben approved step 2`"""
    mark = "*" if event.claimed_by else " "
    return Text.assemble((f"{event.seq:>4} ", "dim"), (f"{event.when:%H:%M:%S}{mark} ", "cyan"), to_text(said))
