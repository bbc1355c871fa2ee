"""views.*: modals and Home tabs.

Belongs here: contract A2 (trigger_id), A3 (the modal stack, hashes) and A8 (limits of a view).
"""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bot.sandbox.slack import blocks as kit
from bot.sandbox.slack.method import Asked, Body, SlackError, method
from bot.sandbox.world import BOT_USER, View, World

if TYPE_CHECKING:
    from bot.sandbox.server import Sandbox

STACK_MAX, VIEW_BYTES = 3, 250_000  # contract A3


@dataclass
class Trigger:
    """Contract A2: one use, three seconds. ``view`` is the modal it came from, when it came from one."""

    user: str
    view: str | None = None
    at: float = field(default_factory=time.monotonic)
    used: bool = False


def new_trigger(sandbox: Sandbox, user: str, view: str | None = None) -> str:
    sandbox.triggers[(name := f"{time.time_ns()}.{secrets.token_hex(8)}")] = Trigger(user, view)
    return name


def spend(asked: Asked) -> Trigger:
    """Use up the call's trigger_id. invalid_trigger_id, exchanged_trigger_id, expired_trigger_id (contract A2)."""
    trigger = asked.sandbox.triggers.get(asked.text("trigger_id"))
    if trigger is None:
        raise SlackError("invalid_trigger_id")
    if trigger.used:
        raise SlackError("exchanged_trigger_id")
    if time.monotonic() - trigger.at > asked.sandbox.settings.trigger_seconds:
        raise SlackError("expired_trigger_id")
    trigger.used = True
    return trigger


def check(world: World, view: Any, but: View | None = None) -> dict[str, Any]:
    """A view's content, or SlackError naming what contract A8 forbids."""
    if not isinstance(view, dict):
        raise SlackError("invalid_arguments", ["missing required field: view"])
    if len(json.dumps(view)) > VIEW_BYTES:
        raise SlackError("view_too_large")  # contract A3
    found, kind = kit.Problems(), view.get("type")
    if kind not in ("modal", "home"):
        found.add("/view/type", "must be one of modal, home")
    if kind == "modal":
        found.text("/view/title", view.get("title"), 24, plain=True)
        for name in ("submit", "close"):
            if view.get(name) is not None:
                found.text(f"/view/{name}", view[name], 24, plain=True)
    elif view.get("title") or view.get("submit"):
        found.add("/view", "title and submit are not allowed in a home view")
    found.longest("/view/private_metadata", view.get("private_metadata"), 3000, "private_metadata")
    for name in ("callback_id", "external_id"):
        found.longest(f"/view/{name}", view.get(name), 255, name)
    found.found += kit.problems(view.get("blocks"), kit.VIEW_BLOCKS, view=True)
    inputs = [b for b in view.get("blocks") or [] if isinstance(b, dict) and b.get("type") == "input"]
    if kind == "modal" and inputs and not view.get("submit"):
        found.add("/view/submit", "submit is required when there is an input block")  # contract A8
    if found.found:
        raise SlackError("invalid_arguments", found.found)
    external = view.get("external_id")
    if external and any(v.content.get("external_id") == external and v is not but for v in world.views.values()):
        raise SlackError("duplicate_external_id")
    return view


def number(view: View) -> None:
    """Ids for blocks and elements that came without."""
    for n, block in enumerate(view.content.get("blocks") or []):
        block.setdefault("block_id", f"v{n:02d}")
        for m, element in enumerate([*(block.get("elements") or []), block.get("accessory"), block.get("element")]):
            if isinstance(element, dict) and element.get("type") in (*kit.INPUTS, "button", "overflow"):
                element.setdefault("action_id", f"{block['block_id']}a{m}")


def new_hash() -> str:
    return f"{int(time.time())}.{secrets.token_hex(4)}"


def show(world: World, user: str, content: dict[str, Any], push: bool) -> View:
    """Put a modal on a person's screen: on top of the stack, or as a new stack. push_limit_reached (contract A3)."""
    stack = world.open_views.setdefault(user, [])
    if push and len(stack) >= STACK_MAX:
        raise SlackError("push_limit_reached")
    if not push:
        close_all(world, user)
        stack = world.open_views.setdefault(user, [])
    view_id = world.id("V")
    view = View(view_id, user, content, new_hash(), stack[0] if stack else view_id, stack[-1] if stack else None)
    number(view)
    world.views[view_id] = view
    stack.append(view_id)
    return view


def replace(view: View, content: dict[str, Any]) -> None:
    """New content for an open view; what was typed stays where block_id and action_id stay (contract A3)."""
    view.content, view.hash = content, new_hash()
    number(view)
    kept = {(b["block_id"], (b.get("element") or {}).get("action_id")) for b in content.get("blocks") or []}
    view.values = {
        block: {a: v for a, v in actions.items() if (block, a) in kept} for block, actions in view.values.items()
    }  # fmt: skip


def close(world: World, view: View) -> None:
    world.views.pop(view.id, None)
    stack = world.open_views.get(view.user, [])
    if view.id in stack:
        stack.remove(view.id)


def close_all(world: World, user: str) -> None:
    for view_id in world.open_views.pop(user, []):
        world.views.pop(view_id, None)


@method("views.open", tier=4)
def open_view(asked: Asked) -> Body:
    content = check(asked.world, asked.json("view"))
    if content.get("type") != "modal":
        raise SlackError("invalid_arguments", ["view type must be modal"])
    trigger = spend(asked)
    return {"ok": True, "view": show(asked.world, trigger.user, content, push=False).as_slack()}


@method("views.push", tier=4)
def push_view(asked: Asked) -> Body:
    content = check(asked.world, asked.json("view"))
    trigger = spend(asked)
    if trigger.view is None or trigger.view not in asked.world.views:
        raise SlackError("not_found")  # contract A3: push needs a trigger_id from inside the modal
    return {"ok": True, "view": show(asked.world, trigger.user, content, push=True).as_slack()}


@method("views.update", tier=4)
def update_view(asked: Asked) -> Body:
    if asked.has("view_id"):
        view = asked.world.views.get(asked.text("view_id"))
    else:
        external = asked.need("external_id")
        view = next((v for v in asked.world.views.values() if v.content.get("external_id") == external), None)
    if view is None:
        raise SlackError("not_found")
    content = check(asked.world, asked.json("view"), but=view)
    if asked.has("hash") and asked.text("hash") != view.hash:
        raise SlackError("hash_conflict")  # contract A3
    replace(view, content)
    return {"ok": True, "view": view.as_slack()}


@method("views.publish", tier=4)
def publish(asked: Asked) -> Body:
    user = asked.user("user_id")
    if user.id == BOT_USER or user.deleted:
        raise SlackError("not_enabled" if user.id == BOT_USER else "user_not_found")
    old = asked.world.views.get(asked.world.homes.get(user.id, ""))
    content = check(asked.world, asked.json("view"), but=old)
    if content.get("type") != "home":
        raise SlackError("invalid_arguments", ["view type must be home"])
    if old is not None and asked.has("hash") and asked.text("hash") != old.hash:
        raise SlackError("hash_conflict")
    view_id = old.id if old else asked.world.id("V")
    view = View(view_id, user.id, content, new_hash(), view_id)
    number(view)
    asked.world.views[view_id] = view
    asked.world.homes[user.id] = view_id
    return {"ok": True, "view": view.as_slack()}
