"""Block Kit within its limits, and text of people that can do nothing but be read."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.render.blocks import Drawn, buttons, cut, draw_reply, drawn, mrkdwn, person, split
from commands.command import Button, Reply


def fits(found: Drawn) -> None:
    """The limits of contract A8."""
    assert 0 < len(found.text) <= 4000
    assert len(found.blocks) <= 50
    ids = [
        element["action_id"] for block in found.blocks for element in block.get("elements", []) if "value" in element
    ]
    assert len(ids) == len(set(ids))
    for block in found.blocks:
        if block["type"] == "section":
            assert 1 <= len(block["text"]["text"]) <= 3000
        if block["type"] == "actions":
            assert 1 <= len(block["elements"]) <= 25
            for element in block["elements"]:
                assert len(element["text"]["text"]) <= 75 and len(element["value"]) <= 2000
    json.dumps(found.blocks)


@given(st.text(max_size=400))
def test_text_of_people_is_never_markup(text: str) -> None:
    shown = person(text)
    assert "<" not in shown.replace("&lt;", "") and ">" not in shown.replace("&gt;", "")
    assert "\n" not in shown
    assert not set(shown) & set("\u202a\u202b\u202d\u202e\u2066\u2067")


@pytest.mark.parametrize("title", ["<!channel>", "<!here|x>", "<@U0BEN>", "<https://evil.example|click>", "a & b"])
def test_mentions_and_links_in_a_title_are_words(title: str) -> None:
    assert "<" not in person(title)


def test_a_right_to_left_title_cannot_turn_the_line_around() -> None:
    assert person("דף הבית \u202eevil") == "\u2068דף הבית evil\u2069"


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=20_000))
def test_any_reply_fits(text: str) -> None:
    fits(draw_reply(Reply(text=text or "x").model_dump(mode="json")))


def test_many_buttons_fit_and_keep_their_own_ids() -> None:
    many = tuple(Button(label="B" * 200, line="x" * 5000, style="odd", confirm="c" * 999) for _ in range(12))
    found = draw_reply(Reply(text="t", buttons=many).model_dump(mode="json"))
    fits(found)
    assert sum(len(block["elements"]) for block in found.blocks if block["type"] == "actions") == 12
    assert "style" not in buttons(many)[0]["elements"][0]


def test_splitting_keeps_every_line_and_code_fences_whole() -> None:
    lines = [f"line {n} {'x' * 90}" for n in range(200)]
    parts = split("```\n" + "\n".join(lines) + "\n```")
    assert len(parts) > 3 and all(part.count("```") % 2 == 0 and len(part) <= 2906 for part in parts)
    assert all(any(line in part for part in parts) for line in lines)


def test_cutting_never_ends_inside_an_escape_or_a_link() -> None:
    assert cut("a &amp; b", 5) == "a …"
    assert cut("see <https://x.example|here>", 12) == "see …"
    assert split("<" * 9000)[0]


def test_broadcasts_of_errors_call_nobody() -> None:
    assert mrkdwn("**sev9** <!channel> <!subteam^S1|@sre>") == "*sev9* &lt;!channel&gt; &lt;!subteam^S1|@sre&gt;"


def test_equal_pictures_have_equal_digests() -> None:
    assert drawn(["a"]).digest == drawn(["a"]).digest != drawn(["b"]).digest
