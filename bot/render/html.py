"""Cards, replies and forms as HTML: the same blocks as in Slack, with buttons that are forms of their own.

Belongs here: Slack's mrkdwn and Block Kit -> safe markup that works without a script. Does not belong here: what a card
shows (one file each), pages around it (bot/web). All text is escaped here; nothing a person typed becomes markup.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from markdown_it import MarkdownIt
from markupsafe import Markup, escape

from bot.render.blocks import Block
from bot.render.forms import asked_field

Who = Callable[[str], str]
_TOKENS = re.compile(r"```(?P<pre>.*?)```|`(?P<code>[^`\n]+)`|<(?P<to>[^<>|\s][^<>|]*)(?:\|(?P<label>[^<>]*))?>", re.S)
_SPANS = (
    (re.compile(r"(?<![\w*])\*(?=\S)([^*\n]+?)(?<=\S)\*(?![\w*])"), "strong"),
    (re.compile(r"(?<![\w_])_(?=\S)([^_\n]+?)(?<=\S)_(?![\w_])"), "em"),
    (re.compile(r"(?<![\w~])~(?=\S)([^~\n]+?)(?<=\S)~(?![\w~])"), "s"),
)  # fmt: skip
_KEPT = re.compile("\x00(\\d+)\x00")
_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")


@dataclass(frozen=True)
class Asks:
    """What a button's form carries. csrf: of the session; back: page to return to; about: the incident it stands on.

    opens: whether a line wants a form of its own first; once: a fresh key, so that a form sent twice asks once.
    """

    csrf: str
    back: str
    about: str
    opens: Callable[[str], bool]
    once: Callable[[], str]


def mrkdwn(text: str, who: Who | None = None) -> Markup:
    """Slack's text as HTML. who: Slack id of a person or channel -> name, for mentions."""
    kept: list[Markup] = []

    def keep(found: re.Match[str]) -> str:
        kept.append(_token(found, who))
        return f"\x00{len(kept) - 1}\x00"

    plain = str(escape(_unescape(_TOKENS.sub(keep, text.replace("\x00", "")))))
    for pattern, tag in _SPANS:
        plain = pattern.sub(rf"<{tag}>\1</{tag}>", plain)
    plain = plain.replace("\n", "<br>")
    return Markup(_KEPT.sub(lambda found: str(kept[int(found[1])]), plain))  # noqa: S704  every part was escaped


def _token(found: re.Match[str], who: Who | None) -> Markup:
    if found["pre"] is not None:
        return Markup("<pre>{}</pre>").format(_unescape(found["pre"]).strip("\n"))
    if found["code"] is not None:
        return Markup("<code>{}</code>").format(_unescape(found["code"]))
    to, label = _unescape(found["to"]), _unescape(found["label"] or "")
    if to.startswith("@"):
        return Markup("<strong>@{}</strong>").format(label or (who(to[1:]) if who else to[1:]))
    if to.startswith("#"):
        return Markup("<strong>#{}</strong>").format(label or (who(to[1:]) if who else to[1:]))
    if to.startswith("!"):
        return Markup("<strong>@{}</strong>").format(label or to[1:])
    if to.startswith(("https://", "http://", "mailto:")):
        return Markup('<a href="{}" rel="noreferrer">{}</a>').format(to, label or to)
    return escape(label or to)


def _unescape(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def markdown(text: str) -> Markup:
    """Markdown as HTML: raw HTML in it stays text, pictures and odd links stay words."""
    return Markup(_MARKDOWN.render(text))  # noqa: S704  the renderer escapes, html is off


def card(blocks: Iterable[Block], asks: Asks | None, who: Who | None = None) -> Markup:
    """A message's blocks. asks None: nothing can be pressed (a picture, a print)."""
    return Markup("\n").join(_block(block, asks, who) for block in blocks)


def _block(block: Block, asks: Asks | None, who: Who | None) -> Markup:
    kind = block.get("type")
    if kind == "section":
        parts = [block["text"], *block.get("fields", ())] if block.get("text") else list(block.get("fields", ()))
        beside = block.get("accessory") or {}
        pressed = _pressed([beside], asks) if asks is not None and beside.get("type") == "button" else Markup("")
        said = Markup("").join(Markup("<p>{}</p>").format(_text(part, who)) for part in parts)
        if not pressed:
            return said
        about = " ".join(said.striptags().split())[:200]  # several buttons of a card may say the same word
        return Markup('<div role="group" aria-label="{}">{}{}</div>').format(about, said, pressed)
    if kind == "header":
        return Markup("<h3>{}</h3>").format(_text(block["text"], who))
    if kind == "context":
        said = Markup(" ").join(_text(one, who) for one in block.get("elements", ()) if "text" in one)
        return Markup('<p class="quiet">{}</p>').format(said)
    if kind == "divider":
        return Markup("<hr>")
    if kind == "actions" and asks is not None:
        return _pressed([one for one in block.get("elements", ()) if one.get("type") == "button"], asks)
    return Markup("")


def _pressed(buttons: Sequence[Block], asks: Asks) -> Markup:
    return Markup('<div class="actions">{}</div>').format(Markup("").join(_button(one, asks) for one in buttons))


def _text(given: Mapping[str, Any], who: Who | None) -> Markup:
    words = str(given.get("text") or "")
    return mrkdwn(words, who) if given.get("type") == "mrkdwn" else escape(words)


def _button(given: Block, asks: Asks) -> Markup:
    label, line = given["text"]["text"], str(given.get("value") or "")
    if given.get("url"):
        return Markup('<a class="button" href="{}" rel="noreferrer">{}</a>').format(given["url"], label)
    style = given.get("style") or "plain"
    wanted, sure = asked_field(str(given.get("action_id") or "")), given.get("confirm")
    if not wanted and asks.opens(line):
        query = Markup('<a class="button {}" href="/ask?line={}&amp;about={}&amp;back={}">{}</a>')
        return query.format(style, *map(quoted, (line, asks.about, asks.back)), label)
    inner = hidden(asks, line)
    if wanted:
        inner += _small(wanted)
    pressed = Markup('<button class="{}">{}</button>').format(style, label)
    if not wanted and not sure:
        return Markup('<form method="post" action="/ask">{}{}</form>').format(inner, pressed)
    words = Markup("<p>{}</p>").format(sure["text"]["text"]) if sure else Markup("")
    form = Markup('<form method="post" action="/ask">{}{}{}</form>').format(inner, words, pressed)
    return Markup('<details class="ask"><summary class="button {}">{} …</summary>{}</details>').format(
        style, label, form
    )


def _small(name: str) -> Markup:
    """The one field a button asks for: a one-time code or words."""
    label = name.replace("_", " ").capitalize()
    if name == "code":
        return Markup(
            '<label>{} <input name="field:code" required autocomplete="one-time-code" inputmode="numeric" '
            'minlength="6" maxlength="9"></label>'
        ).format("One-time code")
    return Markup('<label>{} <input name="field:{}" required maxlength="3000"></label>').format(label, name)


def hidden(asks: Asks, line: str) -> Markup:
    """What every form that asks something carries."""
    fields = {"csrf": asks.csrf, "once": asks.once(), "line": line, "about": asks.about, "back": asks.back}
    return Markup("").join(
        Markup('<input type="hidden" name="{}" value="{}">').format(name, value) for name, value in fields.items()
    )


def quoted(text: str) -> str:
    """Text as one part of an address."""
    return quote(text, safe="")


# --- forms ----------------------------------------------------------------------------------------------------------


def form(
    blocks: Iterable[Block],
    people: Sequence[tuple[str, str]],
    given: Mapping[str, str] | None = None,
    wrong: Mapping[str, str] | None = None,
    who: Who | None = None,
) -> Markup:
    """A modal's blocks as the inside of a form. people: (Slack id, name) to choose from; given: what was sent before;
    wrong: field -> words; who: Slack id -> name."""
    said, errors = given or {}, wrong or {}
    return Markup("\n").join(
        _input(one, people, said, errors) if one.get("type") == "input" else _shown(one, who) for one in blocks
    )


def _shown(block: Block, who: Who | None) -> Markup:
    if block.get("type") == "image":
        return Markup('<img src="{}" alt="{}">').format(block.get("image_url"), block.get("alt_text") or "")
    return _block(block, None, who)


def _input(
    block: Block, people: Sequence[tuple[str, str]], said: Mapping[str, str], wrong: Mapping[str, str]
) -> Markup:
    element = block["element"]
    name = str(element["action_id"])
    error = wrong.get(name) or wrong.get(str(block.get("block_id") or ""), "")
    need = not block.get("optional")
    hint = Markup('<span class="hint">{}</span>').format(block["hint"]["text"]) if block.get("hint") else Markup("")
    bad = Markup('<strong class="wrong" role="alert">{}</strong>').format(error) if error else Markup("")
    control = _control(element, name, people, said.get(name), need)
    label = Markup("{}{}").format(block["label"]["text"], "" if need else " (optional)")
    if element["type"] in ("checkboxes", "radio_buttons"):
        return Markup("<fieldset><legend>{}</legend>{}{}{}</fieldset>").format(label, hint, control, bad)
    return Markup('<label class="field"><span>{}</span>{}{}{}</label>').format(label, hint, control, bad)


def _control(element: Block, name: str, people: Sequence[tuple[str, str]], said: str | None, need: bool) -> Markup:
    kind, field, must = element["type"], f"field:{name}", Markup(" required") if need else Markup("")
    grouped = [one for group in element.get("option_groups", ()) for one in group["options"]]
    options = [(str(one["value"]), str(one["text"]["text"])) for one in [*element.get("options", ()), *grouped]]
    first = [one["value"] for one in ([element["initial_option"]] if element.get("initial_option") else [])]
    first += [one["value"] for one in element.get("initial_options", ())]
    chosen = said.split() if said is not None else first
    if kind in ("users_select", "multi_users_select"):
        options = [(f"<@{id}>", called) for id, called in people]
    if kind in ("checkboxes", "radio_buttons"):
        box = "checkbox" if kind == "checkboxes" else "radio"
        each = [
            Markup('<label class="box"><input type="{}" name="{}" value="{}"{}> {}</label>').format(
                box, field, value, Markup(" checked") if value in chosen else "", label
            )
            for value, label in options
        ]
        return Markup("").join(each)
    if options or kind.endswith("_select"):
        many = Markup(" multiple") if kind.startswith("multi_") else Markup("")
        blank = Markup("") if many else Markup('<option value="">—</option>')
        whole = [said] if said is not None and not many else chosen
        each = [
            Markup('<option value="{}"{}>{}</option>').format(
                value, Markup(" selected") if value in whole else "", label
            )
            for value, label in options
        ]
        return Markup('<select name="{}"{}{}>{}{}</select>').format(field, many, must, blank, Markup("").join(each))
    before = said if said is not None else str(element.get("initial_value") or element.get("initial_date") or "")
    most = int(element.get("max_length") or 3000)
    if element.get("multiline"):
        rows = min(5 + before.count("\n") + len(before) // 80, 25)
        area = Markup('<textarea name="{}" rows="{}" maxlength="{}"{}>{}</textarea>')
        return area.format(field, rows, most, must, before)
    type_ = {"datepicker": "date", "number_input": "text", "url_text_input": "url"}.get(kind, "text")
    return Markup('<input type="{}" name="{}" value="{}" maxlength="{}"{}>').format(type_, field, before, most, must)
