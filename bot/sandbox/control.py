"""The control API under ``/control/``: act as a person, read everything, plan failures, change the world.

Belongs here: JSON in and out. What an act does is in the service's own file. Every refusal is 409 (a person could not
do that) or 400 (asked wrongly) with ``{"error": sentence}``.
"""

from __future__ import annotations

import asyncio
import json
from base64 import b64decode
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from aiohttp import web

from bot.sandbox import control_kubernetes
from bot.sandbox import control_read as read
from bot.sandbox import control_world as change
from bot.sandbox.slack import bringing
from bot.sandbox.slack.delivery import Delivery, Forgery
from bot.sandbox.slack.elements import CannotDo
from bot.sandbox.world import SIGNING_SECRET

if TYPE_CHECKING:
    from bot.sandbox.server import Sandbox

Run = Callable[["Sandbox", dict[str, Any]], Awaitable[Any]]


class Control:
    """The routes. ``asked`` is the JSON body, the query and the path together."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox

    def acts(self) -> dict[str, Run]:
        """What may be done, by name; the page of the workspace does the same things."""
        return {
            "type": type_, "click": click, "submit": submit, "close_view": close_view, "react": react, "pin": pin,
            "unreact": unreact, "unpin": unpin, "edit": edit, "share": share, "direct": direct,
            "shortcut": shortcut, "suggest": suggest, "home": home, "fail": fail, "latency": latency, "rate": rate,
            "deliver_to": deliver_to, "redeliver": redeliver, "reset": reset, "settings": settings,
            "disconnect": disconnect, "webhook_again": webhook_again, "revoke": revoke, "together": together,
            **change.ROUTES, **control_kubernetes.ROUTES,
        }  # fmt: skip

    def routes(self) -> list[web.RouteDef]:
        return [
            *(web.post(f"/control/{name}", self.handler(run)) for name, run in self.acts().items()),
            web.delete("/control/fail", self.handler(clear_faults)),
            *(web.get(f"/control/{name}", self.handler(run)) for name, run in read.ROUTES.items()),
        ]  # fmt: skip

    def handler(self, run: Run) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """A route that runs it."""

        async def handle(request: web.Request) -> web.StreamResponse:
            try:
                raw = await request.read()
                asked = json.loads(raw) if raw else {}
                asked = {**asked, **request.query, **request.match_info}
                return web.json_response(await run(self.sandbox, asked))
            except CannotDo as no:
                return web.json_response({"error": str(no)}, status=409)
            except KeyError as missing:
                return web.json_response({"error": f"missing or unknown: {missing}"}, status=400)
            except (ValueError, TypeError) as wrong:
                return web.json_response({"error": str(wrong)}, status=400)

        return handle


def told(delivery: Delivery | None) -> dict[str, Any]:
    """A delivery in short: delivery id, whether and how fast it was acknowledged, with what."""
    if delivery is None:
        return {"delivery": None, "acked": None}
    ack = delivery.ack
    return {
        "delivery": delivery.id, "acked": ack is not None, "status": delivery.attempts[-1].status,
        "body": delivery.attempts[-1].body, "latency_ms": delivery.attempts[-1].latency_ms,
        "error": delivery.attempts[-1].error,
    }  # fmt: skip


async def type_(sandbox: Sandbox, asked: dict[str, Any]) -> Any:
    """{user, channel, text, thread_ts?}: a slash command answers like ``told``, a message {ts, channel}."""
    done = await sandbox.people.type(asked["user"], asked["channel"], asked["text"], asked.get("thread_ts"))
    return told(done) if isinstance(done, Delivery) else {"ts": done.ts, "channel": asked["channel"]}


async def click(sandbox: Sandbox, asked: dict[str, Any]) -> Any:
    """{user, action_id or text_of_button, channel?, ts?, view_id?, value?}."""
    what = asked.get("action_id") or asked["text_of_button"]
    return told(await sandbox.people.click(
        asked["user"], what, channel=asked.get("channel"), ts=asked.get("ts"), view_id=asked.get("view_id"),
        value=asked.get("value"),
    ))  # fmt: skip


async def submit(sandbox: Sandbox, asked: dict[str, Any]) -> Any:
    """{user, view_id?, values}."""
    return told(await sandbox.people.submit(asked["user"], asked.get("view_id"), asked.get("values") or {}))


async def close_view(sandbox: Sandbox, asked: dict[str, Any]) -> Any:
    """{user, view_id?, clear?}."""
    return told(await sandbox.people.close_view(asked["user"], asked.get("view_id"), bool(asked.get("clear"))))


async def together(sandbox: Sandbox, asked: dict[str, Any]) -> Any:
    """{acts: [{act: type|click|submit, ...}]}: all at the same moment. Each answer, or {error} where refused."""
    acts: dict[str, Run] = {"type": type_, "click": click, "submit": submit}

    async def one(row: dict[str, Any]) -> Any:
        try:
            return await acts[row["act"]](sandbox, row)
        except (CannotDo, KeyError) as no:
            return {"error": str(no)}

    return await asyncio.gather(*(one(row) for row in asked["acts"]))


async def react(sandbox: Sandbox, asked: dict[str, Any]) -> Any:
    """{user, channel, ts, name}."""
    return {"delivery": sandbox.people.react(asked["user"], asked["channel"], asked["ts"], asked["name"])}


async def pin(sandbox: Sandbox, asked: dict[str, Any]) -> Any:
    """{user, channel, ts}."""
    return {"delivery": sandbox.people.pin(asked["user"], asked["channel"], asked["ts"])}


async def unreact(sandbox: Sandbox, asked: dict[str, Any]) -> Any:
    """{user, channel, ts, name}."""
    return {"delivery": sandbox.people.unreact(asked["user"], asked["channel"], asked["ts"], asked["name"])}


async def unpin(sandbox: Sandbox, asked: dict[str, Any]) -> Any:
    """{user, channel, ts}."""
    return {"delivery": sandbox.people.unpin(asked["user"], asked["channel"], asked["ts"])}


async def edit(sandbox: Sandbox, asked: dict[str, Any]) -> Any:
    """{user, channel, ts, text?}: edit one's own message; without a text it is deleted."""
    if "text" not in asked:
        return {"delivery": sandbox.people.delete(asked["user"], asked["channel"], asked["ts"])}
    return {"delivery": sandbox.people.edit(asked["user"], asked["channel"], asked["ts"], asked["text"])}


async def share(sandbox: Sandbox, asked: dict[str, Any]) -> Any:
    """{user, channel, files: [{name, content}], text?, thread_ts?}: content in base64. One message with the files."""
    files = [(str(one["name"]), b64decode(one["content"], validate=True)) for one in asked["files"]]
    said = bringing.share(
        sandbox, asked["user"], asked["channel"], files, asked.get("text") or "", asked.get("thread_ts")
    )
    return {"ts": said.ts, "channel": asked["channel"], "files": said.files}


async def direct(sandbox: Sandbox, asked: dict[str, Any]) -> Any:
    """{user, other}: the direct messages of the two."""
    return {"channel": bringing.direct(sandbox, asked["user"], asked["other"]).id}


async def shortcut(sandbox: Sandbox, asked: dict[str, Any]) -> Any:
    """{user, callback_id, channel?, ts?}."""
    return told(await sandbox.people.shortcut(
        asked["user"], asked["callback_id"], asked.get("channel"), asked.get("ts")))  # fmt: skip


async def suggest(sandbox: Sandbox, asked: dict[str, Any]) -> Any:
    """{user, action_id, value, view_id?}: the options offered."""
    return await sandbox.people.suggest(asked["user"], asked.get("view_id"), asked["action_id"], asked.get("value", ""))


async def home(sandbox: Sandbox, asked: dict[str, Any]) -> Any:
    """{user}: opens the app's Home tab."""
    return {"delivery": sandbox.events.home_opened(sandbox.people.person(asked["user"]).id)}


async def fail(sandbox: Sandbox, asked: dict[str, Any]) -> Any:
    """{service, method, mode, times, retry_after, after}; see ``faults.py``."""
    return sandbox.faults.plan(asked).as_dict()


async def clear_faults(sandbox: Sandbox, asked: dict[str, Any]) -> Any:
    """{service?}."""
    sandbox.faults.clear(asked.get("service"))
    return {"planned": [f.as_dict() for f in sandbox.faults.planned]}


async def latency(sandbox: Sandbox, asked: dict[str, Any]) -> Any:
    """{service, method?, seconds}; 0 removes, and what waits for its time goes on."""
    sandbox.faults.slow(asked["service"], asked.get("method") or "*", float(asked["seconds"]))
    sandbox.wire.hurry()
    return {"latencies": [[s, m, v] for (s, m), v in sandbox.faults.latencies.items()]}


async def rate(sandbox: Sandbox, asked: dict[str, Any]) -> Any:
    """{factor}: 1 real, 60 makes minutes seconds, 0 off."""
    sandbox.rate_factor = sandbox.rates.factor = float(asked["factor"])
    sandbox.rates.reset()
    return {"factor": sandbox.rates.factor}


async def deliver_to(sandbox: Sandbox, asked: dict[str, Any]) -> Any:
    """{mode: socket|http, url?, pagerduty_url?}: where Slack and PagerDuty send to."""
    if "mode" in asked:
        sandbox.deliveries.to(asked["mode"], asked.get("url") or "")
    if "pagerduty_url" in asked:
        sandbox.webhooks.url = asked["pagerduty_url"] or ""
    return {"mode": sandbox.deliveries.mode, "url": sandbox.deliveries.url, "pagerduty_url": sandbox.webhooks.url}


async def redeliver(sandbox: Sandbox, asked: dict[str, Any]) -> Any:
    """{delivery_id, mutate?: {dotted.path: value}, timestamp_shift?, secret?, signature?}: replay or forge."""
    shift, secret = float(asked.get("timestamp_shift") or 0), asked.get("secret") or SIGNING_SECRET
    forgery = Forgery(shift, secret, asked.get("signature"))
    return told(await sandbox.deliveries.again(asked["delivery_id"], asked.get("mutate") or {}, forgery))


async def webhook_again(sandbox: Sandbox, asked: dict[str, Any]) -> Any:
    """{webhook_id, secret?, body?}: replay or forge a PagerDuty webhook."""
    more = {k: asked[k] for k in ("secret", "body") if k in asked}
    return {"status": await sandbox.webhooks.again(asked["webhook_id"], **more)}


async def settings(sandbox: Sandbox, asked: dict[str, Any]) -> Any:
    """Any field of ``settings.Settings``."""
    sandbox.settings.change(asked)
    return asdict(sandbox.settings)


async def disconnect(sandbox: Sandbox, asked: dict[str, Any]) -> Any:
    """{reason?, hard?}: ask every Socket Mode connection to come again, or (hard) just close them."""
    if asked.get("hard"):
        await sandbox.socket.close()
    else:
        await sandbox.socket.disconnect(asked.get("reason") or "refresh_requested")
    return {"connections": len(sandbox.socket.connections)}


async def revoke(sandbox: Sandbox, asked: dict[str, Any]) -> Any:
    """{token, back?}: the token stops (or starts again) being accepted."""
    (sandbox.revoked.discard if asked.get("back") else sandbox.revoked.add)(asked["token"])
    return {"revoked": len(sandbox.revoked)}


async def reset(sandbox: Sandbox, asked: dict[str, Any]) -> Any:
    await sandbox.reset()
    return {"ok": True}
