"""Slack: one message that people wrote, as it stands now, and its link.

Belongs here: finding a message by its channel and time, in or out of a thread. Does not belong here: posting
(`slack.py`), what is kept of it (commands/capturing.py).
"""

from __future__ import annotations

from typing import Any

from playbooks.connectors.answers import ServiceRefused
from playbooks.connectors.slack_calls import SlackCalls
from playbooks.connectors.slack_words import Json
from playbooks.ports import Messages, SaidMessage

NOT_THERE = ("thread_not_found", "message_not_found")


class MessageReads(SlackCalls, Messages):
    """What can be asked about one message."""

    async def said(self, channel: str, ts: str) -> SaidMessage | None:
        """The message with its link, None when there is none any more. Needs channels:history or groups:history."""
        body = await self._call(
            "conversations.history", write=False, channel=channel, latest=ts, oldest=ts, inclusive=True, limit=1
        )
        found = _of(body, ts)
        if found is None:  # a reply in a thread is not in the channel's history
            try:
                found = _of(await self._call("conversations.replies", write=False, channel=channel, ts=ts), ts)
            except ServiceRefused as error:
                if error.code not in NOT_THERE:
                    raise
        return _said(channel, found, await self.permalink(channel, ts)) if found is not None else None

    async def private(self, channel: str) -> bool:
        """Whether only its members read it: no public channel. Needs channels:read, groups:read."""
        found = (await self._call("conversations.info", write=False, channel=channel)).get("channel") or {}
        return not (found.get("is_channel") and not found.get("is_private"))

    async def permalink(self, channel: str, ts: str) -> str:
        """The link to a message; "" when there is no such message."""
        try:
            body = await self._call("chat.getPermalink", write=False, channel=channel, message_ts=ts)
        except ServiceRefused as error:
            if error.code in NOT_THERE:
                return ""
            raise
        return str(body.get("permalink") or "")


def _of(body: Json, ts: str) -> Json | None:
    return next((one for one in body.get("messages") or () if str(one.get("ts")) == ts), None)


def _said(channel: str, raw: Json, link: str) -> SaidMessage:
    files: list[dict[str, Any]] = [one for one in raw.get("files") or () if isinstance(one, dict)]
    return SaidMessage(
        channel, str(raw["ts"]), str(raw.get("user") or ""), str(raw.get("text") or ""), link,
        tuple((str(one.get("title") or one.get("name") or "a file"), str(one.get("permalink") or "")) for one in files),
        frozenset(str(one.get("name")) for one in raw.get("reactions") or () if one.get("users")),
        bool(raw.get("pinned_to")), bool(raw.get("edited")), bool(raw.get("bot_id")),
    )  # fmt: skip
