"""What a person brings: files into a conversation, and a direct conversation with somebody.

Belongs here: the two acts as Slack's client has them, and what the app is told of them. Does not belong here: the app's
own uploads (``files.py``), typing (``people.py``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.sandbox.slack.elements import CannotDo
from bot.sandbox.slack.text import escaped
from bot.sandbox.world import BOT_USER, Channel, File, Message

if TYPE_CHECKING:
    from bot.sandbox.server import Sandbox

FILES_MAX = 10  # of one message, as Slack's client lets one choose
BYTES_MAX = 10 * 1024 * 1024  # of one file; Slack takes 1 GB, this sandbox keeps everything in memory


def share(
    sandbox: Sandbox, who: str, where: str, files: list[tuple[str, bytes]], text: str = "", thread_ts: str | None = None
) -> Message:
    """One message with these files (name, bytes). Told as ``message`` with the subtype file_share, and file_shared."""
    user = sandbox.people.person(who)
    channel = sandbox.people.place(user, where)
    if not files or len(files) > FILES_MAX:
        raise CannotDo(f"a message takes 1 to {FILES_MAX} files")
    for name, content in files:
        if not name or not content:
            raise CannotDo(f"{name or 'a file'} is empty")
        if len(content) > BYTES_MAX:
            raise CannotDo(f"{name} is larger than {BYTES_MAX // 1024 // 1024} MB, which is what this workspace keeps")
    if text.startswith("/"):
        raise CannotDo("a slash command takes no files")
    if user.id not in channel.members:
        channel.members.append(user.id)  # posting in a public channel joins it
    world, kept = sandbox.world, []
    for name, content in files:
        file = File(world.id("F"), name, len(content), content, name, True, [channel.id], user=user.id)
        world.files[file.id] = file
        kept.append(file)
    message = Message(
        world.ts(), user.id, escaped(world, text), thread_ts=thread_ts, files=[one.as_slack() for one in kept],
        subtype="file_share",
    )  # fmt: skip
    channel.messages.append(message)
    sandbox.events.posted(channel, message)
    for file in kept:
        sandbox.events.shared(channel, file)
    return message


def direct(sandbox: Sandbox, who: str, other: str) -> Channel:
    """The direct messages of two people (or of one and the app), opened when missing. The app hears only its own."""
    user, somebody = sandbox.people.person(who), sandbox.people.person(other)
    if user.id == somebody.id or (somebody.id != BOT_USER and somebody.is_bot):
        raise CannotDo("choose somebody else")
    if user.is_stranger or somebody.is_stranger:
        raise CannotDo("people of another company are reached in shared channels only")
    return sandbox.world.between(user.id, somebody.id)
