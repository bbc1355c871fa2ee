"""A post-mortem as PDF (fpdf2: no browser, no system libraries): its text, its tables, its picture.

Belongs here: pages. Does not belong here: the text, the lanes (post_mortem_chart.py). Fonts: the first of the system's
that covers more than Latin; without any, letters the built-in font lacks are shown as `?`.
"""

from __future__ import annotations

import re
from datetime import datetime
from itertools import zip_longest
from pathlib import Path

from fpdf import FPDF
from fpdf.enums import XPos, YPos

from bot.render.post_mortem_chart import Chart

FONTS = (
    ("/usr/share/fonts/truetype/dejavu", "DejaVuSans.ttf", "DejaVuSans-Bold.ttf"),
    ("/usr/share/fonts/truetype/liberation", "LiberationSans-Regular.ttf", "LiberationSans-Bold.ttf"),
    ("/usr/share/fonts/truetype/noto", "NotoSans-Regular.ttf", "NotoSans-Bold.ttf"),
)
_LINK = re.compile(r"\[([^\]]+)\]\([^)]*\)")
_ESCAPED = re.compile(r"\\([\\`*_\[\]<>#|~!])")
_MARKS = re.compile(r"(?<!\\)(\*\*|[*`])")
LABEL, ROW = 48.0, 7.0
# What drafts mark steps with, in signs that text fonts have; what a font lacks besides is shown as `?`.
SIGNS = {"✅": "✓", "☑️": "✓", "❌": "✗", "⚠️": "⚠", "❓": "?", "\ufe0f": ""}
WIDEST = 70.0  # letters of a cell that count for its column's width
WORD, PADDING = 45.0, 3.0  # mm: a longer word may be broken; beside the words of a cell


class _Page(FPDF):
    """A4 with page numbers. wide: the font covers more than Latin-1."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self.set_title(title)
        self.set_auto_page_break(True, margin=18)
        self.named, self.wide = "helvetica", False
        self.known: frozenset[int] = frozenset()
        for folder, plain, bold in FONTS:
            if Path(folder, plain).is_file() and Path(folder, bold).is_file():
                self.add_font("text", "", Path(folder, plain))
                self.add_font("text", "B", Path(folder, bold))
                self.named, self.wide = "text", True
                self.known = frozenset(getattr(self.fonts["text"], "cmap", ()))
                break
        self.add_page()

    def footer(self) -> None:
        """Page numbers."""
        self.set_y(-14)
        self.use(8)
        self.cell(0, 8, f"{self.page_no()}", align="C")

    def use(self, size: int, style: str = "") -> None:
        """Take a font."""
        self.set_font(self.named, style, size)

    def can(self, text: str) -> str:
        """What the font can show."""
        for sign, plain in SIGNS.items():
            text = text.replace(sign, plain)
        if not self.wide:
            return text.encode("latin-1", "replace").decode("latin-1")
        return "".join(one if ord(one) in self.known or one.isspace() else "?" for one in text)

    def paragraph(self, text: str, size: int = 10, style: str = "", indent: float = 0.0) -> None:
        """Words over as many lines as they need."""
        self.use(size, style)
        self.set_x(self.l_margin + indent)
        self.multi_cell(0, size * 0.5, self.can(text), new_x=XPos.LMARGIN, new_y=YPos.NEXT, align="L")


def written(title: str, body: str, chart: Chart | None) -> bytes:
    """The whole file."""
    page, table = _Page(title), list[list[str]]()
    drawn = chart is None
    for line in [*body.splitlines(), ""]:
        if line.startswith("|"):
            cells = [_plain(cell) for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]
            if not all(set(cell.strip()) <= set("-: ") and cell.strip() for cell in cells):
                table.append(cells)
            continue
        if table:
            _table(page, table)
            table = []
        if line.startswith("## ") and not drawn and chart is not None:
            _picture(page, chart)
            drawn = True
        _line(page, line)
    return bytes(page.output())


def _line(page: _Page, line: str) -> None:
    heading = re.match(r"(#{1,4}) +(.*)", line)
    if heading:
        page.ln(3)
        page.paragraph(_plain(heading[2]), {1: 18, 2: 14, 3: 12}.get(len(heading[1]), 11), "B")
        page.ln(1)
    elif line.startswith("- "):
        page.paragraph(f"- {_plain(line[2:])}", indent=3)
    elif line.strip():
        page.paragraph(_plain(line))
    else:
        page.ln(2)


def _table(page: _Page, rows: list[list[str]]) -> None:
    page.use(8)
    page.set_fill_color(255, 255, 255)  # cells are filled with what was drawn last
    width = max(len(row) for row in rows)
    columns = _widths(page, rows)
    page.use(8)
    with page.table(first_row_as_headings=True, line_height=4.5, text_align="LEFT", col_widths=columns) as made:
        for row in rows:
            cells = made.row()
            for cell in [*row, *[""] * (width - len(row))]:
                cells.cell(page.can(cell))
    page.ln(2)


def _widths(page: _Page, rows: list[list[str]]) -> tuple[float, ...]:
    """Of each column: its longest word unbroken, and of what is left a share by what its cells usually hold."""
    page.use(8, "B")
    least, usual = list[float](), list[float]()
    for cells in zip_longest(*rows, fillvalue=""):
        words = [page.get_string_width(page.can(word)) for cell in cells for word in cell.split()]
        least.append(min(max(words, default=0.0), WORD) + PADDING)
        lengths = [len(cell) for cell in cells]
        usual.append(min(float(max(lengths)), 2 * sum(lengths) / len(lengths), WIDEST) or 1.0)
    spare = max(page.epw - sum(least), 0.0)
    return tuple(one + spare * share / sum(usual) for one, share in zip(least, usual, strict=True))


def _picture(page: _Page, chart: Chart) -> None:
    """The lanes, each a line of its own: bars filled, waits outlined, moments as points."""
    page.ln(2)
    page.paragraph(chart.title, 11, "B")
    total = max((chart.end - chart.start).total_seconds(), 60.0)
    left, wide = page.l_margin + LABEL, page.epw - LABEL

    def at(moment: datetime) -> float:
        part = (moment - chart.start).total_seconds() / total
        return left + min(max(part, 0.0), 1.0) * wide

    page.use(8)
    for lane in chart.lanes:
        if page.get_y() > page.h - 30:
            page.add_page()
        y = page.get_y()
        page.set_x(page.l_margin)
        page.cell(LABEL, ROW, page.can(lane.label[:30]))
        for bar in lane.bars:
            x, length = at(bar.start), max(at(bar.end) - at(bar.start), 0.8)
            page.set_fill_color(*((179, 38, 30) if bar.kind == "bar-bad" else (47, 111, 171)))
            page.rect(x, y + 1.5, length, ROW - 3, style="D" if bar.kind == "bar-wait" else "F")
        page.set_fill_color(20, 20, 20)
        for moment, _ in lane.moments:
            page.circle(at(moment), y + ROW / 2, 1.1, style="F")
        page.set_xy(page.l_margin, y + ROW)
    page.set_x(left)
    page.cell(wide / 2, 5, f"{chart.start:%d %b %H:%M} UTC")
    page.cell(wide / 2, 5, f"{chart.end:%d %b %H:%M} UTC", align="R", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    page.ln(1)
    for lane in chart.lanes:  # what the points are: nobody hovers over paper
        if lane.moments:
            page.paragraph(f"{lane.label}: {' · '.join(said for _, said in lane.moments)}", 8)
    page.ln(2)


def _plain(text: str) -> str:
    """Words without Markdown's marks."""
    return _ESCAPED.sub(r"\1", _MARKS.sub("", _LINK.sub(r"\1", text))).strip()
