"""A post-mortem as PDF: every part is there, and what is drawn does not cover what is written."""

from __future__ import annotations

import re
import zlib
from datetime import UTC, datetime, timedelta

import pytest

from bot.render.post_mortem import page
from bot.render.post_mortem_chart import Chart
from bot.render.post_mortem_pdf import _Page, _widths, written
from bot.render.svg import Bar, Lane

BEGAN = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)
END = BEGAN + timedelta(minutes=15)
CHART = Chart(
    "INC-1 over time",
    (
        Lane("Key times", (Bar(BEGAN, END, "bar-wait", "declared to ended"),), ((BEGAN, "declared"), (END, "ended"))),
        Lane("INC-1/2 failover", (Bar(BEGAN, END, "bar-bad", "failed"),)),
    ),
    BEGAN,
    END,
)
BODY = "# INC-1\n\nDraft [1].\n\n## Key times\n\n| a | b |\n|---|---|\n| 13:59 \\| x | <script>1</script> |\n\n- one\n"


def test_a_table_after_the_picture_is_not_filled_with_its_colour() -> None:
    made = written("Post-mortem of INC-1", BODY, CHART)
    parts = [zlib.decompress(one) for one in re.findall(rb"stream\n(.*?)\nendstream", made, re.S) if one[:1] == b"x"]
    (drawn,) = [one for one in parts if b" re" in one]
    fills = re.findall(rb"([\d.]+(?: [\d.]+ [\d.]+)?) (?:g|rg)\b", drawn)
    dark = max(number for number, one in enumerate(fills) if one.split()[0].startswith(b"0.07"))
    assert any(float(one.split()[0]) == 1 for one in fills[dark:]), "cells are white again"


def test_the_page_needs_nothing_else_and_runs_nothing() -> None:
    made = page("Post-mortem of INC-1", BODY, CHART.svg())
    assert made.index("<svg") < made.index("<h2>"), "the picture stands before the first section"
    assert "<script" not in made and "&lt;script&gt;" in made and "http" not in made.replace("http://www.w3.org", "")


def test_columns_are_as_wide_as_their_words_and_signs_the_font_lacks_are_others(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    page = _Page("x")
    said = ["14:00:01", "Muster", "a step that says a lot of what it did and what it saw there", "[1]"]
    rows = [["UTC", "who", "what", "event"], *[said] * 9, ["14:00:00 (written 14:20:00)", "PagerDuty", "x", "[10, 12]"]]
    utc, who, what, event = _widths(page, rows)
    assert what > 2 * max(utc, who, event) and abs(utc + who + what + event - page.epw) < 0.1
    page.use(8, "B")
    assert who > page.get_string_width("PagerDuty"), "no word is broken"
    assert page.can("met ✅") == ("met ✓" if page.wide else "met ?")
    page.output()
    written("Post-mortem of INC-1", BODY.replace("one", "met ✅ ☑️ 決"), CHART)
    assert "missing" not in capfd.readouterr().err + caplog.text, "nothing is said on a terminal about glyphs"
