"""Slack: reading (`SlackReads`) and acting (`Slack`), each method one Web API call, named for what it does.

Belongs here: which method is called with what, and what its answer is turned into. Does not belong here: transport and
error sorting (`slack_calls.py`), words for codes (`slack_words.py`), or deciding to try again (the caller).
All methods raise Temporary, Refused or Uncertain of `playbooks.errors`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

from playbooks.connectors.answers import ServiceRefused, no_answer, short, too_many
from playbooks.connectors.slack_canvas import NO_CANVAS, Canvas, Canvases, CanvasReads
from playbooks.connectors.slack_messages import MessageReads
from playbooks.connectors.slack_words import (
    ABOUT_PEOPLE,
    IN_ALREADY,
    Channel,
    Invited,
    Json,
    Message,
    SlackFile,
    SlackTeam,
    SlackUser,
    UserGroup,
    View,
    refused,
    to_channel,
    to_group,
    to_user,
)
from playbooks.errors import Temporary, Uncertain

Blocks = Sequence[Mapping[str, Any]]
INVITE_MOST = 100  # contract A9: the smaller of two documented numbers
CHANNEL_TYPES = "public_channel,private_channel"


class SlackReads(CanvasReads, MessageReads):
    """What can be asked of Slack."""

    acting = False
    _groups_seen: tuple[float, list[UserGroup]] = (0.0, [])

    async def auth_test(self) -> SlackTeam:
        """Who the token is and which scopes it was given (header X-OAuth-Scopes)."""
        body = await self._call("auth.test", write=False)
        scopes = frozenset(s for s in body["_headers"].get("x-oauth-scopes", "").replace(" ", "").split(",") if s)
        text = {k: str(body.get(k) or "") for k in ("team_id", "team", "url", "user_id", "bot_id", "enterprise_id")}
        return SlackTeam(
            text["team_id"], text["team"], text["url"], text["user_id"], text["bot_id"], text["enterprise_id"], scopes
        )

    async def user(self, user_id: str) -> SlackUser:
        """An account with its flags (contract A13). Refused user_not_found."""
        return to_user((await self._call("users.info", write=False, user=user_id))["user"])

    async def user_by_email(self, email: str) -> SlackUser | None:
        """The account with this e-mail, None when there is none or it is deactivated (contract A13)."""
        try:
            return to_user((await self._call("users.lookupByEmail", write=False, email=email))["user"])
        except ServiceRefused as error:
            if error.code == "users_not_found":
                return None
            raise

    async def usergroups(self, *, max_age_s: float = 0.0) -> list[UserGroup]:
        """All enabled user groups with their members; not asked again when the last answer is not older than that."""
        seen_at, known = self._groups_seen
        if known and time.monotonic() - seen_at < max_age_s:
            return known
        body = await self._call("usergroups.list", write=False, include_users=True)
        known = [to_group(raw) for raw in body.get("usergroups") or ()]
        self._groups_seen = (time.monotonic(), known)
        return known

    async def usergroup(self, group: str, *, max_age_s: float = 0.0) -> UserGroup:
        """A group by id ("S0SRE") or handle ("sre", "@sre"). Refused when there is no such group."""
        return await self._usergroup(group, max_age_s)

    async def usergroup_members(self, group: str, *, max_age_s: float = 0.0) -> tuple[str, ...]:
        """User ids of a group, by id ("S0SRE") or handle ("sre", "@sre"). Refused when there is no such group."""
        return (await self._usergroup(group, max_age_s)).users

    async def usergroup_changed_by(self, group: str, *, max_age_s: float = 5.0) -> str | None:
        """Who changed a group last (`updated_by`), by user id: the only hint Slack gives of who added a member."""
        return (await self._usergroup(group, max_age_s)).updated_by

    async def _usergroup(self, group: str, max_age_s: float) -> UserGroup:
        wanted = group.removeprefix("@").lower()
        for known in await self.usergroups(max_age_s=max_age_s):
            if group == known.id or wanted == known.handle.lower():
                return known
        raise ServiceRefused(
            "Slack", "no_such_subteam", f"Slack has no user group @{wanted}.", todo="Check the group's handle."
        )

    async def channel_info(self, channel: str) -> Channel:
        """A channel by id."""
        return to_channel((await self._call("conversations.info", write=False, channel=channel))["channel"])

    async def channels_joined(self) -> list[Channel]:
        """Live channels the bot is a member of: far fewer than the workspace has."""
        rows = self._pages("users.conversations", "channels", types=CHANNEL_TYPES, exclude_archived=True)
        return [to_channel(raw) async for raw in rows]

    async def channels_created(self, prefix: str, since: float) -> list[Channel]:
        """Live channels named `prefix`..., made by this bot at or after `since` (Unix s), oldest first."""
        me = (await self.auth_test()).bot_user_id
        joined = await self.channels_joined()  # the creator of a channel is its first member
        mine = [c for c in joined if c.creator == me and c.created >= since and c.name.startswith(prefix)]
        return sorted(mine, key=lambda c: (c.created, len(c.name), c.name))

    async def direct_channels(self) -> dict[str, str]:
        """Open direct conversations of the bot: user id -> channel id. Needs im:read."""
        rows = self._pages("users.conversations", "channels", types="im")
        return {str(raw["user"]): str(raw["id"]) async for raw in rows if raw.get("user")}

    async def history(self, channel: str, oldest: float = 0.0) -> list[Json]:
        """Messages of a channel since `oldest` (Unix s), newest first, with metadata (contract A9)."""
        rows = self._pages(
            "conversations.history", "messages", channel=channel, oldest=f"{oldest:.6f}", include_all_metadata=True
        )
        return [raw async for raw in rows]

    async def find_by_metadata(self, channel: str, event_type: str, key: str, oldest: float = 0.0) -> Message | None:
        """The message posted with this metadata event type and `key` in its payload, or None."""
        for raw in await self.history(channel, oldest):
            metadata: Json = raw.get("metadata") or {}
            if metadata.get("event_type") == event_type and (metadata.get("event_payload") or {}).get("key") == key:
                return Message(channel, str(raw["ts"]))
        return None

    async def shared_file(self, channel: str, name: str, title: str, since: float) -> SlackFile | None:
        """The file of this name and title that the bot shared in a channel since then (Unix s), or None."""
        me = (await self.auth_test()).bot_user_id
        for file in (file for raw in await self.history(channel, since) for file in raw.get("files") or ()):
            if file.get("user") == me and (file.get("name"), file.get("title")) == (name, title):
                return SlackFile(str(file["id"]), title, str(file.get("permalink") or ""))
        return None


class Slack(SlackReads, Canvases):
    """What can be done in Slack."""

    acting = True

    async def open_channel(self, name: str, *, private: bool = False) -> Channel:
        """Create a channel. Refused name_taken, invalid_name*, restricted_action (contract A9)."""
        body = await self._call("conversations.create", write=True, name=name, is_private=private)
        return to_channel(body["channel"])

    async def set_topic(self, channel: str, topic: str) -> str:
        """Set the topic (at most 250 characters, no formatting) and return it as Slack keeps it."""
        body = await self._call("conversations.setTopic", write=True, channel=channel, topic=topic)
        return str(((body.get("channel") or {}).get("topic") or {}).get("value") or body.get("topic") or topic)

    async def invite(self, channel: str, users: Sequence[str]) -> Invited:
        """Invite people, 100 at a time. One who cannot be invited is reported and keeps nobody else out (contract A9).

        Raises Refused only when the channel itself is the trouble.
        """
        invited: list[str] = []
        failed: dict[str, str] = {}
        wanted = list(dict.fromkeys(users))
        for start in range(0, len(wanted), INVITE_MOST):
            part = await self._invite(channel, wanted[start : start + INVITE_MOST])
            invited += part.invited
            failed.update(part.failed)
        return Invited(tuple(invited), failed)

    async def _invite(self, channel: str, users: list[str]) -> Invited:
        """One call. With force, Slack refuses the whole of it only when nobody can be invited.

        When it then does not say why for each, they are asked one by one.
        """
        force = True if len(users) > 1 else None
        try:
            body = await self._call("conversations.invite", write=True, channel=channel, users=users, force=force)
        except ServiceRefused as error:
            if error.code not in ABOUT_PEOPLE:
                raise
            wrong = _wrong(error.details) or ({users[0]: error.code} if len(users) == 1 else {})
            if set(wrong) != set(users):
                parts = [await self._invite(channel, [user]) for user in users]
                invited = tuple(user for part in parts for user in part.invited)
                return Invited(invited, {k: v for part in parts for k, v in part.failed.items()})
        else:
            wrong = _wrong(body)
        failed = {user: code for user, code in wrong.items() if code not in IN_ALREADY}
        return Invited(tuple(user for user in users if user not in failed), failed)

    async def post(
        self,
        channel: str,
        text: str,
        *,
        blocks: Blocks | None = None,
        metadata: Mapping[str, Any] | None = None,
        thread_ts: str | None = None,
    ) -> Message:
        """Post a message. channel: id, "#name" or user id. metadata: {"event_type": ..., "event_payload": {...}}."""
        body = await self._call(
            "chat.postMessage", write=True, paced_by=channel, channel=channel, text=text, blocks=blocks,
            metadata=metadata, thread_ts=thread_ts, unfurl_links=False, unfurl_media=False,
        )  # fmt: skip
        return Message(str(body["channel"]), str(body["ts"]))

    async def update(
        self,
        channel: str,
        ts: str,
        text: str,
        *,
        blocks: Blocks | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> Message:
        """Change one of our messages. Text without blocks removes the blocks; text at most 4000 (contract A8)."""
        body = await self._call(
            "chat.update", write=True, channel=channel, ts=ts, text=text, blocks=blocks, metadata=metadata
        )
        return Message(str(body.get("channel") or channel), str(body.get("ts") or ts))

    async def ephemeral(self, channel: str, user: str, text: str, *, blocks: Blocks | None = None) -> None:
        """Show a message to one person in a channel both are in. It cannot be edited later (contract A2)."""
        await self._call("chat.postEphemeral", write=True, channel=channel, user=user, text=text, blocks=blocks)

    async def open_dm(self, *users: str) -> str:
        """Open (or find) the direct conversation with these people; returns its channel id.

        Nobody notices, and the second time finds it: a lost answer is Temporary.
        """
        try:
            body = await self._call("conversations.open", write=True, users=list(users))
        except Uncertain as error:
            raise Temporary(f"{error.message} Nothing was said there.") from None
        return str(body["channel"]["id"])

    async def direct_message(
        self, user: str, text: str, *, blocks: Blocks | None = None, metadata: Mapping[str, Any] | None = None
    ) -> Message:
        """Post to one person, opening the conversation first so that the message has a channel id to be found by."""
        return await self.post(await self.open_dm(user), text, blocks=blocks, metadata=metadata)

    async def upload(self, channel: str, name: str, body: bytes, *, title: str = "", comment: str = "") -> SlackFile:
        """Upload a file into a channel in Slack's three steps (contract A9).

        Nobody sees anything before the third step, so a lost answer to the first two is Temporary.
        """
        try:
            place = await self._call("files.getUploadURLExternal", write=True, filename=name, length=len(body))
            status, text, _ = await self._post(str(place["upload_url"]), "the upload of a file", data=body)
        except Uncertain as error:
            raise Temporary(f"{error.message} Nothing was shared.") from None
        if status != 200:
            raise Temporary(f"Slack did not take the file {name} ({status} {text[:80]}); nothing was shared.")
        done = await self._call(
            "files.completeUploadExternal", write=True, files=[{"id": place["file_id"], "title": title or name}],
            channel_id=channel, initial_comment=comment or None,
        )  # fmt: skip
        file: Json = (done.get("files") or [{}])[0]
        return SlackFile(str(place["file_id"]), title or name, str(file.get("permalink") or ""))

    async def pin(self, channel: str, ts: str) -> None:
        """Pin a message; one that is pinned already is fine."""
        try:
            await self._call("pins.add", write=True, channel=channel, timestamp=ts)
        except ServiceRefused as error:
            if error.code != "already_pinned":
                raise

    async def archive(self, channel: str) -> None:
        """Archive a channel; one that is archived already is fine. A bot cannot unarchive it (contract A9)."""
        try:
            await self._call("conversations.archive", write=True, channel=channel)
        except ServiceRefused as error:
            if error.code != "already_archived":
                raise

    async def open_view(self, trigger_id: str, view: Mapping[str, Any]) -> View:
        """Open a modal within 3 s of the press (contract A2). Refused with both spellings of a late trigger."""
        body = await self._call("views.open", write=True, trigger_id=trigger_id, view=dict(view))
        return View(str(body["view"]["id"]), str(body["view"].get("hash") or ""))

    async def update_view(self, view_id: str, view: Mapping[str, Any], *, hash: str = "") -> View:
        """Replace a modal's content. Refused hash_conflict when `hash` is stale (contract A3)."""
        body = await self._call("views.update", write=True, view_id=view_id, view=dict(view), hash=hash or None)
        return View(str(body["view"]["id"]), str(body["view"].get("hash") or ""))

    async def publish_home(self, user: str, blocks: Blocks) -> None:
        """Show a person the app's Home tab (contract A9), whatever it showed before."""
        view = {"type": "home", "blocks": list(blocks)}
        await self._call("views.publish", write=True, user_id=user, view=view)

    async def respond(
        self,
        response_url: str,
        text: str,
        *,
        blocks: Blocks | None = None,
        in_channel: bool = False,
        replace_original: bool = False,
        delete_original: bool = False,
    ) -> None:
        """Use a response_url exactly once (it has 5 uses in 30 minutes, contract A2; the caller counts).

        Slack may answer 200 with `{"ok": false}`; that is a refusal. The address is a credential: no message names it.
        """
        body: dict[str, Any] = {"text": text, "response_type": "in_channel" if in_channel else "ephemeral"}
        if delete_original:
            body = {"delete_original": True}
        else:
            body["replace_original"] = replace_original
            if blocks is not None:
                body["blocks"] = list(blocks)
        self._gate.check(("response_url", response_url), self.vendor)
        status, answer, wait = await self._post(response_url, "response_url", json=body)
        code = _response_code(answer)
        if status == 429:
            seconds = wait or 1.0
            self._gate.close(("response_url", response_url), seconds)
            raise too_many(self.vendor, "response_url", status, seconds)
        if status >= 500:
            raise no_answer(self.vendor, "response_url", f"status {status}", write=True)
        if status != 200 or code:
            raise refused("response_url", code or f"status {status}", {})


def _wrong(body: Json) -> dict[str, str]:
    """The people of conversations.invite's `errors`: user id -> code."""
    return {str(e["user"]): str(e.get("error") or "") for e in body.get("errors") or () if e.get("user")}


def _response_code(answer: str) -> str:
    """The error code in a response_url's answer: "ok" or `{"ok":true}` is none; "used_url", `{"error":..}` are."""
    text = answer.strip()
    if text in ("", "ok", "OK"):
        return ""
    for code in ("expired_url", "used_url"):
        if code in text:
            return code
    try:
        body = json.loads(text)
    except ValueError:
        return text.split()[0][:40]
    if not isinstance(body, dict):
        return short(text, 40)  # a proxy's "503" is JSON too
    return "" if body.get("ok", True) else str(body.get("error") or "not ok")


__all__ = [
    "NO_CANVAS", "Canvas", "Channel", "Invited", "Message", "Slack", "SlackFile", "SlackReads",
    "SlackTeam", "SlackUser", "UserGroup", "View",
]  # fmt: skip
