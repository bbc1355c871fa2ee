"""What Slack sent -> what a person asked. Pure: a dict in, an Inbound out, no I/O.

Belongs here: contract A1 (commands), A3 (interactions), A4 (events), A13 (whose account), and nothing of the raw
payload that an ask does not need. Does not belong here: storing, answering, or what a line means (commands/).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from bot.render import forms
from storage.inbox import Ask

Json = Mapping[str, Any]
SPACES = re.compile(r"\s+")
LINE_MOST = 4000
# Message shortcuts that hand over which message, not its words: callback_id -> line.
BY_MESSAGE = {
    "incident declare": "incident declare message={}",
    "incident capture": "incident capture {} how=shortcut",
}
MARKS = {  # event -> the verb and by what
    "reaction_added": ("capture", "reaction"), "reaction_removed": ("uncapture", "reaction"),
    "pin_added": ("capture", "pin"), "pin_removed": ("uncapture", "pin"),
}  # fmt: skip
# Events that change who is in a group or who somebody is; all others are acknowledged and forgotten.
DIRECTORY_EVENTS = ("subteam_members_changed", "user_change", "team_join")


@dataclass(frozen=True)
class Inbound:
    """One payload, understood.

    what: "ask" (store it), "form" (a submitted modal: check, then store), "question" (a modal may be wanted: `ask` says
    for which line), "ignore" (genuine, nothing to do). kind: for counting. asks: the field a button wants filled first.
    blocks: of a form, field -> block id, for errors. challenge: of url_verification.
    """

    what: str
    kind: str
    ask: Ask | None = None
    trigger: str = ""
    asks: str = ""
    view_id: str = ""
    blocks: Mapping[str, str] = field(default_factory=dict)
    challenge: str = ""


def normalise(payload: Json) -> Inbound:
    """Any payload of Slack, whichever door it came through (form, `payload` field, JSON or envelope)."""
    kind = str(payload.get("type") or "")
    if "command" in payload and "trigger_id" in payload and not kind:
        return _command(payload)
    if kind == "block_actions":
        return _pressed(payload)
    if kind == "view_submission":
        return _submitted(payload)
    if kind in ("shortcut", "message_action"):
        return _shortcut(payload, kind)
    if kind == "event_callback":
        return _event(payload)
    if kind == "url_verification":
        return Inbound("ignore", kind, challenge=str(payload.get("challenge") or ""))
    return Inbound("ignore", kind or "unknown")


def account(payload: Json, user: Json) -> str:
    """Whose account: "T1/U1", or "E1/U1" for a member of the workspace's own Enterprise org (contract A13).

    A user without a team of their own gets "?": the directory then refuses, it never guesses.
    """
    team = str(user.get("team_id") or "?")
    enterprise = str((payload.get("enterprise") or {}).get("id") or "")
    home = {enterprise, str((payload.get("team") or {}).get("id") or "")}
    return f"{enterprise if enterprise and team in home else team}/{user.get('id')}"


def clean(text: Any, most: int = LINE_MOST) -> str:
    """Text as Slack sends it, its escapes with it (commands/reading.py undoes them), but storable."""
    return str(text or "").replace("\x00", "").encode("utf-8", "replace").decode()[:most]


def line_of(command: str, text: str) -> str:
    """`/incident` and its text as one command line."""
    return f"{command.lstrip('/').strip()} {text.strip()}".strip()


def _command(payload: Json) -> Inbound:
    org = str(payload.get("enterprise_id") or "")
    ask = Ask(
        key=str(payload["trigger_id"]),
        kind="command",
        line=line_of(str(payload["command"]), clean(payload.get("text"))),
        account_kind="slack",
        account=f"{org or payload.get('team_id')}/{payload.get('user_id')}",
        via="slack",
        team=_text(payload.get("team_id")),
        channel=_text(payload.get("channel_id")),
        response_url=_text(payload.get("response_url")),
    )
    return Inbound("question", "command", ask, trigger=ask.key)


def _base(payload: Json, kind: str) -> Ask:
    """What all interactions share. The line is the caller's."""
    channel = payload.get("channel") or {}
    container = payload.get("container") or {}
    return Ask(
        key=str(payload.get("trigger_id") or ""),
        kind=kind,
        line="",
        account_kind="slack",
        account=account(payload, payload.get("user") or {}),
        via="slack",
        team=_text((payload.get("team") or {}).get("id") or (payload.get("enterprise") or {}).get("id")),
        channel=_text(channel.get("id") or container.get("channel_id")),
        message_ts=_text(container.get("message_ts") or payload.get("message_ts")),
        response_url=_text(payload.get("response_url")),
    )


def _pressed(payload: Json) -> Inbound:
    """A button: its value is the command line; a field or the whole form may be asked for first."""
    action: Json = (payload.get("actions") or [{}])[0]
    line = clean(action.get("value"), 2000)
    if action.get("type") != "button" or not line:
        return Inbound("ignore", "block_actions")  # link buttons and fields inside a modal
    ask = replace(_base(payload, "button"), line=line)
    asks = forms.asked_field(str(action.get("action_id") or ""))
    view_id = str((payload.get("view") or {}).get("id") or "")
    return Inbound("question", "button", ask, trigger=ask.key, asks=asks, view_id=view_id)


def _submitted(payload: Json) -> Inbound:
    """A modal: its private_metadata carries the line and where it was opened, its state the fields."""
    view: Json = payload.get("view") or {}
    origin = forms.read_origin(str(view.get("private_metadata") or ""))
    if origin is None:
        return Inbound("ignore", "view_submission")
    values, blocks = forms.read_values(view.get("state") or {})
    base = _base(payload, "form")
    ask = replace(
        base,
        key=base.key or f"{view.get('id')}:{view.get('hash')}",
        line=origin.line,
        values={name: clean(value) for name, value in values.items()},
        channel=origin.channel,
        message_ts=origin.message_ts,
        response_url=origin.response_url or base.response_url,
    )
    return Inbound("form", "form", ask, blocks=blocks, view_id=str(view.get("id") or ""))


def _shortcut(payload: Json, kind: str) -> Inbound:
    """A shortcut's callback_id is a command line; a message shortcut adds the message's text to it."""
    line = clean(payload.get("callback_id"), 255)
    base = _base(payload, "command")
    if kind == "shortcut":
        return Inbound("question", kind, replace(base, line=line), trigger=base.key)
    message: Json = payload.get("message") or {}
    if line not in BY_MESSAGE:
        line = f"{line} {SPACES.sub(' ', clean(message.get('text'), 2500))}".strip()
        return Inbound("ask", kind, replace(base, line=line), trigger=base.key)
    place = f"{base.channel}/{payload.get('message_ts') or message.get('ts')}"
    ask = replace(base, line=BY_MESSAGE[line].format(place))
    if line == "incident declare":  # its form begins with the message's words; they are stored nowhere
        return Inbound(
            "question", kind, replace(ask, values={"said": clean(message.get("text"), 500)}), trigger=ask.key
        )
    return Inbound("ask", kind, ask, trigger=ask.key)


def _event(payload: Json) -> Inbound:
    event: Json = payload.get("event") or {}
    kind = str(event.get("type") or "")
    user = event.get("user")
    who = str(user.get("id") if isinstance(user, Mapping) else user or "")
    team = str(payload.get("team_id") or "")
    ask = Ask(
        key=str(payload.get("event_id") or ""), kind="event", line="", account_kind="slack", via="slack",
        account=f"{payload.get('enterprise_id') or event.get('team') or team}/{who}", team=team or None,
        channel=_text(event.get("channel")),
    )  # fmt: skip
    if not ask.key:
        return Inbound("ignore", kind)
    direct = kind == "message" and event.get("channel_type") == "im"
    direct = direct and not (event.get("subtype") or event.get("bot_id"))
    if kind == "app_mention" or direct:  # said to Muster: the line of a command, or an answer that there is none such
        said = re.sub(r"^\s*<@[^>]+>\s*", "", str(event.get("text") or ""))
        return Inbound("ask", kind, replace(ask, line=clean(said).lstrip("/"), values={"event_type": kind}))
    if kind in DIRECTORY_EVENTS:
        subject = str(event.get("subteam_id") or who)
        return Inbound("ask", kind, replace(ask, values={"event_type": kind, "subject": subject}))
    if kind == "app_home_opened":
        return Inbound(
            "ask" if event.get("tab") == "home" else "ignore", kind, replace(ask, values={"event_type": kind})
        )
    if kind in MARKS:
        return _marked(payload, event, replace(ask, values={"event_type": kind}))
    if kind == "message" and event.get("subtype") in ("message_changed", "message_deleted"):
        return _changed(event, ask)
    return Inbound("ignore", kind)


def _marked(payload: Json, event: Json, ask: Ask) -> Inbound:
    """A pin or a reaction: which message, never what it says. What Muster marks, and its own messages, are left out."""
    kind = str(event.get("type"))
    item: Json = event.get("item") or {}
    message: Json = item.get("message") or {}
    channel, ts = item.get("channel") or event.get("channel_id"), item.get("ts") or message.get("ts")
    me = {str(one.get("user_id")) for one in payload.get("authorizations") or () if one.get("is_bot")}
    written_by_us = event.get("item_user") in me or (message.get("app_id") or "") == payload.get("api_app_id")
    if item.get("type") != "message" or not (channel and ts) or event.get("user") in me or written_by_us:
        return Inbound("ignore", kind)
    verb, how = MARKS[kind]
    values = {**ask.values, "reaction": clean(event.get("reaction"), 100)}
    return Inbound(
        "ask", kind, replace(ask, line=f"incident {verb} {channel}/{ts} how={how}", channel=str(channel), values=values)
    )


def _changed(event: Json, ask: Ask) -> Inbound:
    """An edit or the end of a message of a person's: which one, never what it said."""
    kind = str(event.get("subtype"))
    message: Json = event.get("message") or event.get("previous_message") or {}
    ts = message.get("ts") or event.get("deleted_ts")
    if message.get("bot_id") or not ts or (kind == "message_changed" and not message.get("edited")):
        return Inbound("ignore", kind)
    return Inbound("ask", kind, replace(ask, values={"event_type": kind, "subject": f"{event.get('channel')}/{ts}"}))


def _text(value: Any) -> str | None:
    return str(value) if value else None
