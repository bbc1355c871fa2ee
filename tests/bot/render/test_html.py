"""Slack's text and blocks as HTML: the same words, nothing of people's as markup, buttons that ask what Slack's ask."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from bot.render import html, modal, svg
from bot.render.blocks import button, buttons, context, drawn, section
from bot.render.forms import Origin
from bot.render.html import Asks
from bot.render.svg import Bar, Lane
from commands.command import Button, load_commands
from playbooks.policy import load_policy
from tests.bot.conftest import EXAMPLE

NUMBERS = count()
ASKS = Asks(
    "tok<en", "/incidents/INC-1", "INC-1", lambda line: line == "incident update INC-1", lambda: f"once-{next(NUMBERS)}"
)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("*bold* _it_ ~s~ a_b_c 2*3*4", "<strong>bold</strong> <em>it</em> <s>s</s> a_b_c 2*3*4"),
        ("&lt;script&gt;x&lt;/script&gt;", "&lt;script&gt;x&lt;/script&gt;"),
        ("<script>alert(1)</script>", "script"),
        ("<https://x.y/?a=1&amp;b=2|a *b*>", '<a href="https://x.y/?a=1&amp;b=2" rel="noreferrer">a *b*</a>'),
        ('<https://x.y/" onclick="z|q>', 'href="https://x.y/&#34;'),
        ("<javascript:alert(1)|press>", "press"),
        ("`<b>` and ```&lt;i&gt;\n*x*```", "<code>&lt;b&gt;</code> and <pre>&lt;i&gt;\n*x*</pre>"),
        (
            "<@U0ANA> <#C1|general> <!channel>",
            "<strong>@Ana</strong> <strong>#general</strong> <strong>@channel</strong>",
        ),
        ("*`code` in bold*\nnext", "<strong><code>code</code> in bold</strong><br>next"),
        ("\x000\x00 `kept`", "0 <code>kept</code>"),
    ],
)
def test_mrkdwn(given: str, wanted: str) -> None:
    made = str(html.mrkdwn(given, {"U0ANA": "Ana"}.__getitem__))
    assert wanted in made
    assert not re.search(r"<script|javascript:|\"\s*onclick=", made)


def test_markdown_runs_nothing() -> None:
    made = str(html.markdown("# t\n<img src=x onerror=a> [a](javascript:b) ![p](http://x/y.png)\n\n|a|\n|-|\n|1|"))
    assert "<h1>t</h1>" in made and "<table>" in made and "<td>1</td>" in made
    assert "<img" not in made and 'href="javascript' not in made


def test_a_button_is_a_form_with_the_line_it_asks() -> None:
    row = buttons([
        Button(label="Approve", line='playbook approve INC-1/2 "<9f>', style="primary"),
        Button(label="Deny", line="playbook deny INC-1/2", style="danger", asks="reason"),
        Button(label="With code", line="playbook approve INC-1/2", asks="code"),
        Button(label="Abort", line="playbook abort INC-1/2", confirm="The run ends <here>."),
        Button(label="Update", line="incident update INC-1"),
    ])  # fmt: skip
    made = str(html.card(drawn(["*Hi* &lt;you&gt;", *row, context("small")]).blocks, ASKS))
    assert 'value="playbook approve INC-1/2 &#34;&lt;9f&gt;"' in made and 'value="tok&lt;en"' in made
    assert made.count('action="/ask"') == 4 and made.count("<details") == 3, "asked and confirmed ones open first"
    assert 'name="field:reason" required' in made and 'autocomplete="one-time-code"' in made
    assert "The run ends &lt;here&gt;." in made
    assert 'href="/ask?line=incident%20update%20INC-1&amp;about=INC-1&amp;back=%2Fincidents%2FINC-1"' in made
    assert len(set(re.findall(r'name="once" value="([^"]+)"', made))) == 4, "each press is an ask of its own"
    assert '<p class="quiet">small</p>' in made
    assert "<form" not in str(html.card(drawn(["x", *row]).blocks, None)), "a picture of it cannot be pressed"


def test_a_button_beside_words_is_pressed_among_them() -> None:
    beside = button(Button(label="Done", line="playbook answer INC-1/2 1 done"), 1)
    words = section('☐ 1. Call <@U0ANA> in <#C1> "now" <script>')
    shown = str(html.card([{**words, "accessory": beside}], ASKS, {"U0ANA": "Ana", "C1": "inc-1"}.get))  # type: ignore[arg-type]
    assert 'role="group" aria-label="☐ 1. Call @Ana in #inc-1 &#34;now&#34; script"' in shown, "which of several it is"
    assert 'value="playbook answer INC-1/2 1 done"' in shown and "<script" not in shown and ">Done</button>" in shown
    assert "<button" not in html.card([{**words, "accessory": beside}], None)


def test_every_command_has_a_form_that_keeps_what_was_said() -> None:
    policy, people = load_policy(EXAMPLE), [("U0ANA", "Ana <b>")]
    for words, command in load_commands().items():
        view: dict[str, Any] = modal.view(command, Origin(words), policy)
        fields = [block["element"]["action_id"] for block in view["blocks"] if block["type"] == "input"]
        made = str(
            html.form(view["blocks"], people, dict.fromkeys(fields, "<said>"), dict.fromkeys(fields, "wrong & bad"))
        )
        assert "<said>" not in made and "Ana <b>" not in made
        for name in fields:
            assert f'name="field:{name}"' in made, (words, name)
        assert made.count('role="alert">wrong &amp; bad<') == len(fields), words


def test_pictures_say_in_words_what_they_show() -> None:
    start = datetime(2026, 11, 22, 14, tzinfo=UTC)
    end = start + timedelta(minutes=20)
    lane = Lane("Runs <1>", (Bar(start, start - timedelta(minutes=5), "bar", "a <run>"),), ((end, "restored"),))
    made = str(svg.over_time("INC-1 <over>", [lane], start, end))
    assert "<title>INC-1 &lt;over&gt;</title><desc>Runs &lt;1&gt;: a &lt;run&gt;, restored</desc>" in made
    assert 'width="3.0"' in made and "style=" not in made and ">14:10<" in made
    flat = str(svg.over_time("x", [], start, start))
    assert "<svg" in flat, "a moment is a picture too"
    line = str(svg.lines("MTTR", ["a", "b"], [("median", [None, 2.5]), ("p90", [None, None])], "min"))
    assert "median: b 2.5 min; p90: " in line and line.count("<circle") == 1
