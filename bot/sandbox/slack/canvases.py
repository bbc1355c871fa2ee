"""conversations.canvases.* and canvases.*: the document of a channel (contract A9, A10, Slack's method pages).

Belongs here: one canvas per channel, its sections, what is refused. A plan without canvases is played with
``fail("slack", "conversations.canvases.create", "error:team_tier_cannot_create_channel_canvases")``.
"""

from __future__ import annotations

from typing import Any

from bot.sandbox.slack.method import Asked, Body, SlackError, method
from bot.sandbox.world import Canvas

MOST = 1_048_576  # characters of markdown
PLACED = ("insert_after", "insert_before", "delete")  # these name a section
OPERATIONS = ("insert_at_start", "insert_at_end", "replace", "rename", *PLACED)


def _markdown(content: Any) -> str:
    if (
        not isinstance(content, dict)
        or content.get("type") != "markdown"
        or not isinstance(content.get("markdown"), str)
    ):
        raise SlackError("invalid_arguments", ["document_content must be {type: markdown, markdown: …}"])
    if len(content["markdown"]) > MOST:
        raise SlackError("invalid_arguments", ["document_content.markdown is too long"])
    return str(content["markdown"])


def _sections(asked: Asked, text: str) -> list[list[str]]:
    return [[f"temp:C:{asked.world.id('S')}", part] for part in text.split("\n\n") if part.strip()]


def _canvas(asked: Asked) -> Canvas:
    canvas = asked.world.canvases.get(asked.need("canvas_id", "canvas_not_found"))
    if canvas is None:
        raise SlackError("canvas_not_found")
    return canvas


@method("conversations.canvases.create", "canvases:write", tier=2)
def create(asked: Asked) -> Body:
    channel = asked.joined("channel_id")
    text = _markdown(asked.json("document_content")) if asked.has("document_content") else ""
    if channel.canvas:
        raise SlackError("channel_canvas_already_exists")
    canvas = Canvas(asked.world.id("F"), channel.id, _sections(asked, text))
    asked.world.canvases[canvas.id], channel.canvas = canvas, canvas.id
    return {"ok": True, "canvas_id": canvas.id}


@method("canvases.edit", "canvases:write", tier=3)
def edit(asked: Asked) -> Body:
    canvas, changes = _canvas(asked), asked.json("changes")
    if not isinstance(changes, list) or len(changes) != 1:
        raise SlackError("invalid_arguments", ["changes must hold one operation"])  # contract A9
    change = changes[0]
    what, named = change.get("operation"), change.get("section_id")
    if what not in OPERATIONS or (what in PLACED and not named):
        raise SlackError("invalid_arguments", ["unknown operation, or section_id is missing"])
    if not canvas.writable:
        raise SlackError("restricted_action")
    at = next((n for n, (id_, _) in enumerate(canvas.sections) if id_ == named), None)
    if named and at is None:
        raise SlackError("canvas_editing_failed")
    if what == "rename":
        return {"ok": True}
    new = _sections(asked, _markdown(change.get("document_content"))) if what != "delete" else []
    every = canvas.sections
    if at is None:
        canvas.sections = {"insert_at_start": new + every, "insert_at_end": every + new, "replace": new}[what]
    else:
        keep = 1 if what in ("insert_after", "insert_before") else 0
        first = at + (what == "insert_after")
        canvas.sections = every[:first] + new + every[first + 1 - keep :]
    return {"ok": True}


@method("canvases.sections.lookup", "canvases:read", tier=3)
def lookup(asked: Asked) -> Body:
    canvas, criteria = _canvas(asked), asked.json("criteria")
    if not isinstance(criteria, dict) or not (criteria.get("section_types") or criteria.get("contains_text")):
        raise SlackError("invalid_arguments", ["criteria must name section_types or contains_text"])
    text, headers = str(criteria.get("contains_text") or ""), bool(criteria.get("section_types"))
    found = [id_ for id_, part in canvas.sections if text in part and (part.startswith("#") or not headers)]
    return {"ok": True, "sections": [{"id": id_} for id_ in found]}


@method("canvases.delete", "canvases:write", tier=3)
def delete(asked: Asked) -> Body:
    canvas = _canvas(asked)
    del asked.world.canvases[canvas.id]
    asked.world.channels[canvas.channel].canvas = ""
    return {"ok": True}
