"""A post-mortem as something to read: safe markup for a page, or one HTML file that needs nothing else.

Belongs here: layout of the text and the picture. Does not belong here: the text (playbooks/engine/post_mortem.py), the
picture's lanes (post_mortem_chart.py), pages (bot/web). Shape: `fragment` and `page` take Markdown and return markup.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from markupsafe import Markup, escape

from bot.render import html

_CITED = re.compile(r"\[(\d+(?:, \d+)*)\](?!\()")
STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1a1a1a; }
table { border-collapse: collapse; display: block; overflow-x: auto; } td, th { border: 1px solid #bbb; padding: .3rem .6rem; text-align: left; }
svg { width: 100%; height: auto; font: 13px system-ui, sans-serif; margin: 1rem 0; } .grid { stroke: #ddd; } .quiet { fill: #555; }
.bar { fill: #2f6fab; } .bar-wait { fill: #fff; stroke: #8a5a00; stroke-dasharray: 4 3; } .bar-bad { fill: #b3261e; } .dot { fill: #1a1a1a; }
@media (prefers-color-scheme: dark) { body { background: #16181b; color: #e6e6e6; } td, th { border-color: #555; } text { fill: #e6e6e6; } .dot { fill: #e6e6e6; } .bar-wait { fill: #16181b; stroke: #e0a030; } .grid { stroke: #444; } .quiet { fill: #aaa; } }
@media print { body { margin: 0; max-width: none; } h2 { break-after: avoid; } }
"""  # noqa: E501  a style sheet


def fragment(body: str, picture: Markup | None = None, cite: Callable[[int], str] | None = None) -> Markup:
    """The text as markup, the picture after its first paragraph. cite: event number -> address; without it numbers stay
    numbers. Nothing that people wrote becomes markup of its own."""
    text = html.markdown(_linked(body, cite) if cite else body)
    if picture is None:
        return text
    head, mark, rest = str(text).partition("<h2>")
    return Markup(f"{head}{picture}{mark}{rest}")  # noqa: S704  both parts are markup already


def page(title: str, body: str, picture: Markup | None = None) -> str:
    """A whole HTML file, for a browser or a printer."""
    inside = fragment(body, picture)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" '
        f'content="width=device-width, initial-scale=1"><title>{escape(title)}</title><style>{STYLE}</style></head>'
        f"<body><main>{inside}</main></body></html>\n"
    )


def _linked(body: str, cite: Callable[[int], str]) -> str:
    def link(found: re.Match[str]) -> str:
        said = ", ".join(f"[{one}]({cite(int(one))})" for one in found[1].split(", "))
        return f"\\[{said}\\]"

    return _CITED.sub(link, body)
