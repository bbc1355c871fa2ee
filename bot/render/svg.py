"""Pictures as SVG text, drawn here: an incident over time, lines and bars of numbers. No script, no inline style.

Belongs here: geometry and labels. Does not belong here: what is drawn (bot/web reads it), colours (static/style.css by
class, with shapes and dashes that differ where colours do). Every picture has a title and a description in words.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from markupsafe import Markup, escape

WIDTH, LEFT, ROW = 900, 190, 26
STEPS_MIN = (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 10080, 43200)


@dataclass(frozen=True)
class Bar:
    """A stretch of time in a lane. kind: "bar", "bar-wait" (dashed outline), "bar-bad"; said: its tooltip."""

    start: datetime
    end: datetime
    kind: str
    said: str


@dataclass(frozen=True)
class Lane:
    """One line of the picture: stretches and moments (time, what it was)."""

    label: str
    bars: tuple[Bar, ...] = ()
    moments: tuple[tuple[datetime, str], ...] = ()


def over_time(title: str, lanes: Sequence[Lane], start: datetime, end: datetime) -> Markup:
    """Lanes over one time axis. Whatever lies outside is drawn at its edge."""
    end = max(end, start + timedelta(minutes=1))
    height = ROW * len(lanes) + 34
    total = (end - start).total_seconds()

    def at(moment: datetime) -> float:
        part = (moment - start).total_seconds() / total
        return round(LEFT + min(max(part, 0.0), 1.0) * (WIDTH - LEFT - 20), 1)

    parts = [_grid(start, end, at, height)]
    for number, lane in enumerate(lanes):
        y = ROW * number + 4
        parts.append(f'<text x="{LEFT - 8}" y="{y + 15}" text-anchor="end">{escape(_cut(lane.label, 28))}</text>')
        for bar in lane.bars:
            x, width = at(bar.start), max(at(bar.end) - at(bar.start), 3.0)
            parts.append(
                f'<rect class="{bar.kind}" x="{x}" y="{y + 2}" width="{width:.1f}" height="{ROW - 10}" rx="3">'
                f"<title>{escape(bar.said)}</title></rect>"
            )
        last = 0.0  # where the last label ends: what would stand in it keeps its words for the tooltip
        for moment, said in lane.moments:
            x = at(moment)
            parts.append(f'<circle class="dot" cx="{x}" cy="{y + 10}" r="5"><title>{escape(said)}</title></circle>')
            word = said.split(" ")[0]
            if x >= last and x + 8 + 7 * len(word) <= WIDTH:
                parts.append(f'<text class="quiet" x="{x + 8}" y="{y + 14}">{escape(word)}</text>')
                last = x + 14 + 7 * len(word)
    words = "; ".join(f"{lane.label}: {_in_words(lane)}" for lane in lanes)
    return _svg(title, words, height, "".join(parts), "wide")


def _grid(start: datetime, end: datetime, at: Callable[[datetime], float], height: int) -> str:
    minutes = (end - start).total_seconds() / 60
    step = next((one for one in STEPS_MIN if minutes / one <= 8), STEPS_MIN[-1])
    form = "%H:%M" if minutes <= 1440 else "%-d %b"
    first = start.astimezone(UTC).replace(second=0, microsecond=0)
    whole = int(first.timestamp() // (step * 60)) * step * 60
    lines = []
    moment = datetime.fromtimestamp(whole, UTC)
    while moment <= end:
        if moment >= start:
            x = at(moment)
            lines.append(
                f'<line class="grid" x1="{x}" y1="0" x2="{x}" y2="{height - 22}"></line>'
                f'<text class="quiet" x="{x}" y="{height - 6}" text-anchor="middle">{moment:{form}}</text>'
            )
        moment += timedelta(minutes=step)
    return "".join(lines)


def _in_words(lane: Lane) -> str:
    said = [*(bar.said for bar in lane.bars), *(what for _, what in lane.moments)]
    return ", ".join(said) or "nothing"


def lines(title: str, labels: Sequence[str], series: Sequence[tuple[str, Sequence[float | None]]], unit: str) -> Markup:
    """One or two series over the same labels: solid with dots, dashed with squares. None: no value there."""
    height, left, bottom = 220, 60, 40
    top = max([value for _, values in series for value in values if value is not None], default=0.0) or 1.0
    wide = (WIDTH - left - 40) / max(len(labels) - 1, 1)

    def at(number: int, value: float) -> tuple[float, float]:
        return round(left + number * wide, 1), round(height - bottom - value / top * (height - bottom - 24), 1)

    parts = []
    for part in (0.0, 0.5, 1.0):
        _, y = at(0, top * part)
        parts.append(f'<line class="grid" x1="{left}" y1="{y}" x2="{WIDTH - 40}" y2="{y}"></line>')
        parts.append(f'<text class="quiet" x="{left - 6}" y="{y + 4}" text-anchor="end">{_short(top * part)}</text>')
    every = max(1, len(labels) // 8)
    for number, label in enumerate(labels):
        if number % every == 0:
            x, _ = at(number, 0)
            parts.append(f'<text class="quiet" x="{x}" y="{height - 22}" text-anchor="middle">{escape(label)}</text>')
    for mark, (name, values) in zip(("one", "two"), series, strict=False):
        points = [(labels[n], value, *at(n, value)) for n, value in enumerate(values) if value is not None]
        parts.append(f'<polyline class="{mark}" points="{" ".join(f"{x},{y}" for _, _, x, y in points)}"></polyline>')
        for label, value, x, y in points:
            shape = (
                f'<circle class="{mark}" cx="{x}" cy="{y}" r="4">' if mark == "one"
                else f'<rect class="{mark}" x="{x - 4}" y="{y - 4}" width="8" height="8">'
            )  # fmt: skip
            end = "</circle>" if mark == "one" else "</rect>"
            parts.append(f"{shape}<title>{escape(f'{name}, {label}: {_short(value)} {unit}')}</title>{end}")
    legend = " · ".join(f"{mark} {name} ({unit})" for mark, (name, _) in zip(("●— ", "■- -"), series, strict=False))
    parts.append(f'<text x="{left}" y="12">{escape(legend)}</text>')
    words = "; ".join(
        f"{name}: "
        + ", ".join(f"{label} {_short(v)} {unit}" for label, v in zip(labels, values, strict=True) if v is not None)
        for name, values in series
    )
    return _svg(title, words, height, "".join(parts))


def _svg(title: str, words: str, height: int, inner: str, kind: str = "fits") -> Markup:
    return Markup(  # noqa: S704  every word was escaped
        f'<svg class="{kind}" viewBox="0 0 {WIDTH} {height}" role="img" xmlns="http://www.w3.org/2000/svg">'
        f"<title>{escape(title)}</title><desc>{escape(_cut(words, 4000))}</desc>{inner}</svg>"
    )


def _short(value: float) -> str:
    return f"{value:.0f}" if value >= 10 or value == int(value) else f"{value:.1f}"


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
