"""What a person does in Slack: type, press, submit, close; and what Slack then sends to the app and shows the person.

Belongs here: contract A1 (commands), A2 (trigger_id, response_url), A3 (interactions). The sending is ``delivery.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.sandbox.slack import elements, views
from bot.sandbox.slack.delivery import Delivery
from bot.sandbox.slack.elements import CannotDo
from bot.sandbox.slack.method import SlackError
from bot.sandbox.slack.responses import ResponseUrl
from bot.sandbox.slack.text import escaped
from bot.sandbox.world import APP, TEAM, TEAM_DOMAIN, Channel, Message, User, View, World

if TYPE_CHECKING:
    from bot.sandbox.server import Sandbox


class People:
    """Acts of people. Each returns the delivery it caused; CannotDo when Slack's client would not offer the act."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox

    @property
    def world(self) -> World:
        return self.sandbox.world

    def person(self, name: str) -> User:
        user = self.world.users.get(name) or self.world.user_named(name)
        if user is None:
            raise CannotDo(f"nobody is called {name}")
        if user.deleted:
            raise CannotDo(f"{user.name} is deactivated and cannot sign in")
        return user

    def place(self, user: User, name: str, write: bool = True) -> Channel:
        """A channel by name, id or ``@U0ANA`` (the direct messages of that person with the bot), seen by ``user``."""
        channel = self.world.channel(name)
        if channel is None and name.startswith("@"):
            channel = self.world.direct(self.person(name[1:]).id)
        if channel is None:
            raise CannotDo(f"no channel {name}")
        closed = channel.is_private or channel.is_im or user.is_stranger or user.is_restricted
        if closed and user.id not in channel.members:
            shown = "this conversation" if channel.is_private or channel.is_im else f"#{channel.name}"
            raise CannotDo(f"{user.real_name} cannot see {shown}")
        if write and channel.is_archived:
            raise CannotDo(f"#{channel.name} is archived")
        return channel

    async def type(self, who: str, where: str, text: str, thread_ts: str | None = None) -> Delivery | Message:
        """Type a line. A slash command goes to the app; anything else is a message (and an event for it)."""
        user = self.person(who)
        channel = self.place(user, where)
        if text.startswith("/"):
            return await self._command(user, channel, text, thread_ts)
        message = Message(self.world.ts(), user.id, escaped(self.world, text), thread_ts=thread_ts)
        if user.id not in channel.members:
            channel.members.append(user.id)  # posting in a public channel joins it
        channel.messages.append(message)
        self.sandbox.events.posted(channel, message)
        return message

    async def _command(self, user: User, channel: Channel, text: str, thread_ts: str | None) -> Delivery:
        if thread_ts:
            raise CannotDo("slash commands do not work in threads")  # contract A1
        if user.is_stranger or user.team != TEAM:
            raise CannotDo("only members of the installing workspace can run commands")  # contract A1
        command, _, rest = text.partition(" ")
        url = self.sandbox.responses.new(channel, user.id)
        shown = "directmessage" if channel.is_im else "privategroup" if channel.is_private else channel.name
        payload = {  # contract A1
            "token": "deprecated", "team_id": TEAM, "team_domain": TEAM_DOMAIN, "channel_id": channel.id,
            "channel_name": shown,
            "user_id": user.id, "user_name": user.name, "command": command,
            "text": escaped(self.world, rest.strip(), command=True), "api_app_id": APP,
            "is_enterprise_install": "false",
            "response_url": url, "trigger_id": views.new_trigger(self.sandbox, user.id),
        }  # fmt: skip
        delivery = await self.sandbox.deliveries.deliver("slash_commands", payload, user.id)
        self._show_answer(delivery, channel, user, command)
        return delivery

    def _show_answer(self, delivery: Delivery, channel: Channel, user: User, command: str) -> None:
        """Contract A1: text or JSON, ephemeral by default; no answer in three seconds: Slack says so to the person."""
        ack = delivery.ack
        if ack is None:
            reason = "operation_timeout" if delivery.attempts[-1].error == "http_timeout" else "dispatch_failed"
            self._slackbot(channel, user, f'{command} failed with the error "{reason}"')
            return
        body = ack.body if isinstance(ack.body, dict) else {"text": ack.body} if ack.body else {}
        if body.get("text") or body.get("blocks"):
            self.sandbox.responses.say(ResponseUrl(channel, user.id), body)

    def _slackbot(self, channel: Channel, user: User, text: str) -> None:
        channel.messages.append(Message(self.world.ts(), "USLACKBOT", text, ephemeral_for=user.id))
        self.world.notices.append({"user": user.id, "channel": channel.id, "text": text})

    def _origin(self, user: User) -> dict[str, Any]:
        return {
            "user": {"id": user.id, "username": user.name, "name": user.name, "team_id": user.team},
            "team": {"id": TEAM, "domain": TEAM_DOMAIN}, "enterprise": None, "is_enterprise_install": False,
            "api_app_id": APP, "token": "deprecated",
        }  # fmt: skip

    async def click(self, who: str, what: str, *, channel: str | None = None, ts: str | None = None,
                    view_id: str | None = None, value: Any = None) -> Delivery:  # fmt: skip
        """Press a button or choose in a select, on a message or in a view.

        Without ``ts`` the latest visible message that has it is meant. ``value`` chooses among buttons with the same
        action_id, or is the choice in a select.
        """
        user = self.person(who)
        if view_id is not None or channel is None:
            view = self.view(user, view_id)
            block, element = elements.find(view.content.get("blocks") or [], what)
            if element["type"] != "button":
                view.values.setdefault(block["block_id"], {})[element["action_id"]] = elements.state(element, value)
            payload = self._origin(user) | {
                "type": "block_actions", "trigger_id": views.new_trigger(self.sandbox, user.id, view.id),
                "container": {"type": "view", "view_id": view.id}, "view": view.as_slack(), "hash": view.hash,
                "actions": [elements.action(block, element, value)], "state": {"values": view.values},
            }  # fmt: skip
        else:
            place = self.place(user, channel, write=False)
            message, block, element = self._on_message(user, place, what, ts, value)
            payload = self._pressed(user, place, message, (block, element), value)
        delivery = await self.sandbox.deliveries.deliver("interactive", payload, user.id)
        if delivery.ack is None:
            # Slack shows a small warning sign beside the button.
            why = delivery.attempts[-1].error
            self.world.notices.append({"user": user.id, "action_id": element.get("action_id"), "text": str(why)})
        return delivery

    def _on_message(self, user: User, channel: Channel, what: str, ts: str | None, value: Any,
                    ) -> tuple[Message, dict[str, Any], dict[str, Any]]:  # fmt: skip
        last: CannotDo | None = None
        for message in reversed(channel.messages):
            if message.deleted or (message.ephemeral_for not in (None, user.id)) or (ts and message.ts != ts):
                continue
            try:
                return (message, *elements.find(message.blocks, what, value if isinstance(value, str) else None))
            except CannotDo as no:
                if message.blocks or ts:
                    last = last or no
        raise last or CannotDo(f"no message with {what!r} in {channel.name or channel.id}")

    def _pressed(self, user: User, channel: Channel, message: Message,
                 used: tuple[dict[str, Any], dict[str, Any]], value: Any) -> dict[str, Any]:  # fmt: skip
        block, element = used
        action = elements.action(block, element, value)
        container = {
            "type": "message", "message_ts": message.ts, "channel_id": channel.id,
            "is_ephemeral": message.ephemeral_for is not None,
        }  # fmt: skip
        if message.thread_ts:
            container["thread_ts"] = message.thread_ts
        payload = self._origin(user) | {
            "type": "block_actions", "trigger_id": views.new_trigger(self.sandbox, user.id), "container": container,
            "channel": {"id": channel.id, "name": "directmessage" if channel.is_im else channel.name},
            "response_url": self.sandbox.responses.new(channel, user.id, message), "actions": [action],
            "state": {"values": {} if element["type"] == "button" else {
                block["block_id"]: {element["action_id"]: elements.state(element, value)}}},
        }  # fmt: skip
        if message.ephemeral_for is None:
            payload["message"] = message.as_slack()
        return payload

    def view(self, user: User, view_id: str | None) -> View:
        """The view with this id, or the one on top of the person's screen (else their Home)."""
        stack = self.world.open_views.get(user.id) or []
        wanted = view_id or (stack[-1] if stack else self.world.homes.get(user.id, ""))
        view = self.world.views.get(wanted)
        if view is None or view.user != user.id:
            raise CannotDo(f"{user.name} has no {view_id or 'open view'}")
        return view

    async def submit(self, who: str, view_id: str | None, values: dict[str, Any]) -> Delivery:
        """Fill a modal and press its submit. ``values`` is {block_id: {action_id: v}} or {action_id or block_id: v}."""
        user = self.person(who)
        view = self.view(user, view_id)
        if view.type != "modal":
            raise CannotDo("a Home tab has no submit")
        self._fill(view, values)
        payload = self._origin(user) | {
            "type": "view_submission", "trigger_id": views.new_trigger(self.sandbox, user.id, view.id),
            "view": view.as_slack(), "response_urls": [],
        }  # fmt: skip
        delivery = await self.sandbox.deliveries.deliver("interactive", payload, user.id)
        self._after_submit(delivery, user, view)
        return delivery

    def _fill(self, view: View, values: dict[str, Any]) -> None:
        filled: dict[str, dict[str, Any]] = {}
        used: set[str] = set()
        for block, element in elements.every(view.content.get("blocks") or []):
            if block["type"] != "input":
                continue
            block_id, action_id = str(block["block_id"]), str(element["action_id"])
            inner = values.get(block_id)
            if isinstance(inner, dict) and action_id in inner:
                value, used = inner[action_id], used | {block_id}
            elif action_id in values:
                value, used = values[action_id], used | {action_id}
            elif block_id in values and not isinstance(inner, dict):
                value, used = inner, used | {block_id}
            else:
                kept = view.values.get(block_id, {}).get(action_id)
                filled.setdefault(block_id, {})[action_id] = kept or elements.state(element, elements.initial(element))
                self._required(block, filled[block_id][action_id])
                continue
            shown = elements.state(element, value)
            elements.check_input(element, shown)
            self._required(block, shown)
            filled.setdefault(block_id, {})[action_id] = shown
        if unknown := set(values) - used:
            raise CannotDo(f"the view has no field {', '.join(sorted(unknown))}")
        view.values = view.values | filled

    def _required(self, block: dict[str, Any], shown: dict[str, Any]) -> None:
        if not block.get("optional") and elements.empty(shown):
            raise CannotDo(f"{block['block_id']} is required")  # Slack's client does not send the form

    def _after_submit(self, delivery: Delivery, user: User, view: View) -> None:
        """Contract A3: empty closes the view; update, push, clear, errors keyed by the block ids of inputs."""
        ack = delivery.ack
        trouble = "We had some trouble connecting. Try again?"
        if ack is None:
            self.world.notices.append({"user": user.id, "view": view.id, "text": trouble})
            return
        body = ack.body if isinstance(ack.body, dict) else {}
        what = body.get("response_action")
        try:
            if what is None:
                views.close(self.world, view)
            elif what == "clear":
                views.close_all(self.world, user.id)
            elif what == "errors":
                inputs = {b.get("block_id") for b in view.content.get("blocks") or [] if b.get("type") == "input"}
                errors = body.get("errors") or {}
                if not errors or not set(errors) <= inputs:
                    raise SlackError("invalid_arguments")
                self.world.notices.append({"user": user.id, "view": view.id, "errors": errors})
            elif what == "update":
                views.replace(view, views.check(self.world, body.get("view"), but=view))
            elif what == "push":
                views.show(self.world, user.id, views.check(self.world, body.get("view")), push=True)
            else:
                raise SlackError("invalid_arguments")
        except SlackError as refusal:
            details = refusal.body.get("response_metadata")
            self.world.notices.append({
                "user": user.id, "view": view.id, "text": trouble, "error": refusal.code, "details": details,
            })  # fmt: skip

    async def close_view(self, who: str, view_id: str | None = None, clear: bool = False) -> Delivery | None:
        """Close a modal. view_closed is sent only with notify_on_close (contract A3); None when nothing was sent."""
        user = self.person(who)
        view = self.view(user, view_id)
        told = None
        if view.content.get("notify_on_close"):
            shown = view.as_slack()
            inputs = {b.get("block_id") for b in view.content.get("blocks") or [] if b.get("type") == "input"}
            shown["state"] = {"values": {b: v for b, v in view.values.items() if b not in inputs}}
            payload = self._origin(user) | {"type": "view_closed", "view": shown, "is_cleared": clear}
            told = payload
        if clear:
            views.close_all(self.world, user.id)
        else:
            views.close(self.world, view)
        return await self.sandbox.deliveries.deliver("interactive", told, user.id) if told else None

    async def shortcut(self, who: str, callback_id: str, channel: str | None = None, ts: str | None = None) -> Delivery:
        """A global shortcut, or a message shortcut when a channel and ts are given (contract A3)."""
        user = self.person(who)
        payload = self._origin(user) | {
            "callback_id": callback_id, "trigger_id": views.new_trigger(self.sandbox, user.id),
            "action_ts": self.world.ts(), "type": "shortcut",
        }  # fmt: skip
        if channel is not None:
            place = self.place(user, channel, write=False)
            message = place.find(ts or "")
            if message is None:
                raise CannotDo(f"no message {ts} in {channel}")
            payload |= {
                "type": "message_action", "channel": {"id": place.id, "name": place.name}, "message_ts": message.ts,
                "message": message.as_slack(), "response_url": self.sandbox.responses.new(place, user.id),
            }  # fmt: skip
        return await self.sandbox.deliveries.deliver("interactive", payload, user.id)

    async def suggest(self, who: str, view_id: str | None, action_id: str, typed: str) -> list[dict[str, Any]]:
        """Type into an external select: the options the app offers (contract A3, block_suggestion)."""
        user = self.person(who)
        view = self.view(user, view_id)
        block, element = elements.find(view.content.get("blocks") or [], action_id)
        payload = self._origin(user) | {
            "type": "block_suggestion", "action_id": element["action_id"], "block_id": block["block_id"],
            "value": typed, "container": {"type": "view", "view_id": view.id}, "view": view.as_slack(),
        }  # fmt: skip
        delivery = await self.sandbox.deliveries.deliver("interactive", payload, user.id)
        body = delivery.ack.body if delivery.ack and isinstance(delivery.ack.body, dict) else {}
        options: list[dict[str, Any]] = list(body.get("options") or [])
        return (options or [o for g in body.get("option_groups") or [] for o in g.get("options", [])])[:100]

    def edit(self, who: str, where: str, ts: str, text: str) -> str | None:
        """Edit one's own message."""
        user, channel, message = self._mine(who, where, ts)
        before = message.as_slack()
        message.text, message.edited = escaped(self.world, text), {"user": user.id, "ts": self.world.ts()}
        return self.sandbox.events.edited(channel, message, before)

    def delete(self, who: str, where: str, ts: str) -> str | None:
        """Delete one's own message."""
        _, channel, message = self._mine(who, where, ts)
        message.deleted = True
        return self.sandbox.events.deleted(channel, message)

    def _mine(self, who: str, where: str, ts: str) -> tuple[User, Channel, Message]:
        user = self.person(who)
        channel = self.place(user, where)
        message = channel.find(ts)
        if message is None or message.user != user.id:
            raise CannotDo(f"{user.name} has no message {ts} there")
        return user, channel, message

    def unreact(self, who: str, where: str, ts: str, name: str) -> str | None:
        """Take one's reaction off."""
        user = self.person(who)
        channel = self.place(user, where)
        message = channel.find(ts)
        people = message.reactions.get(name.strip(":"), []) if message else []
        if message is None or user.id not in people:
            raise CannotDo(f"{user.name} has no such reaction on {ts}")
        people.remove(user.id)
        if not people:
            del message.reactions[name.strip(":")]
        return self.sandbox.events.reacted(channel, message, user.id, name.strip(":"), off=True)

    def unpin(self, who: str, where: str, ts: str) -> str | None:
        """Take a pin off, whoever put it there."""
        user = self.person(who)
        channel = self.place(user, where)
        message = channel.find(ts)
        if message is None or ts not in channel.pins:
            raise CannotDo(f"{ts} is not pinned")
        channel.pins.remove(ts)
        return self.sandbox.events.pinned(channel, message, user.id, off=True)

    def react(self, who: str, where: str, ts: str, name: str) -> str | None:
        channel = self.place(self.person(who), where)
        message = channel.find(ts)
        if message is None:
            raise CannotDo(f"no message {ts}")
        people = message.reactions.setdefault(name.strip(":"), [])
        if (user := self.person(who)).id not in people:
            people.append(user.id)
        return self.sandbox.events.reacted(channel, message, user.id, name.strip(":"))

    def pin(self, who: str, where: str, ts: str) -> str | None:
        user = self.person(who)
        channel = self.place(user, where)
        message = channel.find(ts)
        if message is None:
            raise CannotDo(f"no message {ts}")
        if ts not in channel.pins:
            channel.pins.append(ts)
        return self.sandbox.events.pinned(channel, message, user.id)
