"""The reading half of the control API: what people see, what services received, how deliveries went."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from bot.sandbox.control_kubernetes import READS as KUBERNETES
from bot.sandbox.slack.elements import CannotDo, every, label
from bot.sandbox.slack.text import flattened
from bot.sandbox.world import Channel, Message

if TYPE_CHECKING:
    from bot.sandbox.server import Sandbox


LOOK_S = 0.3  # whoever waits for a channel is answered so often even when no request has changed it


def shown(message: Message) -> dict[str, Any]:
    """A message as a test reads it: everything, and the text flattened and the buttons listed."""
    buttons = [
        {"text": label(e), "action_id": e.get("action_id"), "value": e.get("value"), "style": e.get("style"),
         "url": e.get("url")}
        for _, e in every(message.blocks) if e["type"] == "button"
    ]  # fmt: skip
    return {
        "ts": message.ts, "user": message.user, "text": message.text, "blocks": message.blocks,
        "attachments": message.attachments, "metadata": message.metadata, "edited": message.edited is not None,
        "ephemeral_for": message.ephemeral_for, "thread_ts": message.thread_ts, "files": message.files,
        "reactions": message.reactions, "subtype": message.subtype, "plain": flattened(message.text, message.blocks),
        "buttons": buttons,
    }  # fmt: skip


def summary(channel: Channel) -> dict[str, Any]:
    return {
        "id": channel.id, "name": channel.name, "is_private": channel.is_private, "is_im": channel.is_im,
        "is_archived": channel.is_archived, "is_ext_shared": channel.is_ext_shared, "topic": channel.topic,
        "purpose": channel.purpose, "members": channel.members, "creator": channel.creator, "pins": channel.pins,
        "bookmarks": channel.bookmarks, "previous_names": channel.previous_names, "count": len(channel.messages),
    }  # fmt: skip


async def channels(sandbox: Sandbox, asked: dict[str, Any]) -> Any:
    return [summary(c) for c in sandbox.world.channels.values()]


async def channel(sandbox: Sandbox, asked: dict[str, Any]) -> Any:
    """The channel and its messages in order. ``as`` adds what only that person sees; ``as=*`` everybody's.

    ``unlike``: the ``stamp`` of an earlier answer; the next is held back until there is another, for a moment at most.
    """
    name, viewer = asked["name"], asked.get("as")
    if name.startswith("@"):
        found: Channel | None = sandbox.world.direct(sandbox.people.person(name[1:]).id)
        viewer = viewer or sandbox.people.person(name[1:]).id
    else:
        found = sandbox.world.channel(name)
    if found is None:
        raise CannotDo(f"no channel {name}")
    if viewer and viewer != "*":
        viewer = sandbox.people.person(viewer).id
    end = asyncio.get_running_loop().time() + LOOK_S
    while (stamp := _stamp(found)) == asked.get("unlike"):
        if not await sandbox.wire.carried(end - asyncio.get_running_loop().time()):
            break
    rows = [
        shown(m) for m in found.messages
        if not m.deleted and (m.ephemeral_for is None or viewer in ("*", m.ephemeral_for))
    ]  # fmt: skip
    return summary(found) | {"messages": rows, "stamp": stamp}


def _stamp(channel: Channel) -> str:
    """Another one whenever a message came, was changed or was deleted."""
    rows = [(m.ts, m.text, id(m.blocks), str(m.edited), m.deleted, len(m.reactions)) for m in channel.messages]
    return f"{len(rows)}-{hash(tuple(rows))}"


async def views(sandbox: Sandbox, asked: dict[str, Any]) -> Any:
    """The modal stack of a person (the last one on top), their Home, and what Slack told them."""
    world, user = sandbox.world, sandbox.people.person(asked["user"]).id
    stack = [world.views[v].as_slack() for v in world.open_views.get(user, []) if v in world.views]
    published = world.views.get(world.homes.get(user, ""))
    home = published.as_slack() if published else None
    for view in [*stack, *([home] if home else [])]:
        view["plain"] = flattened("", view.get("blocks") or [])
    notices = [n for n in world.notices if n["user"] == user]
    return {"open": stack, "home": home, "notices": notices}


async def files(sandbox: Sandbox, asked: dict[str, Any]) -> Any:
    return [
        f.as_slack() | {"completed": f.completed, "text": (f.content or b"").decode("utf-8", "replace")}
        for f in sandbox.world.files.values()
    ]  # fmt: skip


async def canvases(sandbox: Sandbox, asked: dict[str, Any]) -> Any:
    """Channel canvases with their text, section after section."""
    return [
        {"id": c.id, "channel": c.channel, "text": "\n\n".join(text for _, text in c.sections)}
        for c in sandbox.world.canvases.values()
    ]  # fmt: skip


async def calls(sandbox: Sandbox, asked: dict[str, Any]) -> Any:
    """Every request received, in order; ``service`` and ``method`` narrow it, ``since`` is a call number."""
    since = int(asked.get("since") or 0)
    return [
        c.as_dict() for c in sandbox.wire.calls
        if c.number > since and asked.get("service") in (None, c.service) and asked.get("method") in (None, c.method)
    ]  # fmt: skip


async def deliveries(sandbox: Sandbox, asked: dict[str, Any]) -> Any:
    """Every delivery to the app; ``kind`` narrows it."""
    return [d.as_dict() for d in sandbox.deliveries.sent.values() if asked.get("kind") in (None, d.kind)]


async def pagerduty(sandbox: Sandbox, asked: dict[str, Any]) -> Any:
    account = sandbox.pagerduty
    incidents = [
        account.show(i) | {"notes": i.notes, "alerts": i.alerts} for i in account.incidents.values()
    ]  # fmt: skip
    return {"incidents": incidents, "webhooks": sandbox.webhooks.as_list(), "on_call": account.on_call}


async def statuspage(sandbox: Sandbox, asked: dict[str, Any]) -> Any:
    page = sandbox.statuspage
    return {
        "incidents": list(page.incidents.values()), "components": list(page.components.values()),
        "notified": page.notified,
    }  # fmt: skip


async def instances(sandbox: Sandbox, asked: dict[str, Any]) -> Any:
    return (await sandbox.aws.corrections()).show()


async def mail(sandbox: Sandbox, asked: dict[str, Any]) -> Any:
    return sandbox.mail.kept


async def jira(sandbox: Sandbox, asked: dict[str, Any]) -> Any:
    return list(sandbox.jira.issues.values())


async def hooks(sandbox: Sandbox, asked: dict[str, Any]) -> Any:
    return sandbox.outside.taken


async def hosts(sandbox: Sandbox, asked: dict[str, Any]) -> Any:
    return [one.machine.show() for one in sandbox.hosts.by_name.values()]


async def users(sandbox: Sandbox, asked: dict[str, Any]) -> Any:
    return [asdict(u) for u in sandbox.world.users.values()]


async def groups(sandbox: Sandbox, asked: dict[str, Any]) -> Any:
    return [asdict(g) for g in sandbox.world.groups.values()]


async def state(sandbox: Sandbox, asked: dict[str, Any]) -> Any:
    """Connections, delivery mode, planned faults, latencies, settings, environment (HTTP mode with ``http=1``)."""
    return {
        "connections": len(sandbox.socket.connections), "mode": sandbox.deliveries.mode, "url": sandbox.deliveries.url,
        "pagerduty_url": sandbox.webhooks.url, "faults": [f.as_dict() for f in sandbox.faults.planned],
        "latencies": [[s, m, v] for (s, m), v in sandbox.faults.latencies.items()],
        "settings": asdict(sandbox.settings), "rate_factor": sandbox.rates.factor,
        "env": sandbox.env(not asked.get("http")),
    }  # fmt: skip


ROUTES: dict[str, Callable[[Sandbox, dict[str, Any]], Awaitable[Any]]] = {
    "channels": channels, "channel/{name}": channel, "views/{user}": views, "files": files, "calls": calls,
    "canvases": canvases,
    "deliveries": deliveries, "pagerduty": pagerduty, "statuspage": statuspage,
    "aws/instances": instances, "hosts": hosts, "mail": mail, "jira": jira, "hooks": hooks,
    "users": users, "groups": groups, "state": state, **KUBERNETES,
}  # fmt: skip
