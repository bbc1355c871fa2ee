"""The typed client of the control API, for tests and for the demo.

Belongs here: methods and small dataclasses. It speaks HTTP only, so the sandbox may run in another process.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import quote

import httpx


class Refused(Exception):
    """The sandbox refused: a person could not do that (409), or it was asked wrongly (400)."""


@dataclass(frozen=True)
class Button:
    text: str
    action_id: str
    value: str | None = None
    style: str | None = None
    url: str | None = None


@dataclass(frozen=True)
class Message:
    """A message as one person sees it. ``plain`` is the text and all block texts in reading order, one a line."""

    ts: str
    user: str
    text: str
    plain: str
    buttons: tuple[Button, ...]
    blocks: list[dict[str, Any]]
    metadata: dict[str, Any] | None
    edited: bool
    ephemeral_for: str | None
    thread_ts: str | None
    files: list[dict[str, Any]]
    attachments: list[dict[str, Any]]
    reactions: dict[str, list[str]]
    subtype: str | None

    @classmethod
    def read(cls, row: dict[str, Any]) -> Message:
        return cls(**{**row, "buttons": tuple(Button(**b) for b in row["buttons"])})

    def button(self, text_or_action: str) -> Button | None:
        return next((b for b in self.buttons if text_or_action in (b.text, b.action_id)), None)


@dataclass(frozen=True)
class Ack:
    """How the app answered one delivery. ``latency_ms`` is from sending to the answer; ``error`` is Slack's reason."""

    delivery: str | None
    acked: bool | None
    status: int | None = None
    body: Any = None
    latency_ms: float | None = None
    error: str | None = None


@dataclass(frozen=True)
class Seen:
    """A modal or Home as its user sees it."""

    id: str
    callback_id: str
    title: str
    plain: str
    blocks: list[dict[str, Any]]
    private_metadata: str
    values: dict[str, dict[str, Any]]
    raw: dict[str, Any]

    @classmethod
    def read(cls, row: dict[str, Any]) -> Seen:
        title = (row.get("title") or {}).get("text", "")
        return cls(row["id"], row.get("callback_id") or "", title, row["plain"], row.get("blocks") or [],
                   row.get("private_metadata") or "", row["state"]["values"], row)  # fmt: skip


Wanted = str | Callable[[Message], bool]


class SandboxClient:
    """``async with SandboxClient(url) as sb``. Every method raises Refused with the sandbox's sentence."""

    def __init__(self, url: str, timeout: float = 30.0) -> None:
        self.url = url
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=50)
        # Plain HTTP on loopback: there are no certificates to read.
        self.http = httpx.AsyncClient(base_url=url, timeout=timeout, trust_env=False, verify=False, limits=limits)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        await self.http.aclose()

    async def get(self, path: str, **query: Any) -> Any:
        """``GET /control/{path}``, decoded."""
        asked = {k: v for k, v in query.items() if v is not None}
        return self._said(await self.http.get(f"/control/{path}", params=asked))

    async def post(self, path: str, **body: Any) -> Any:
        """``POST /control/{path}``, decoded. Arguments that are None are left out."""
        asked = {k: v for k, v in body.items() if v is not None}
        return self._said(await self.http.post(f"/control/{path}", json=asked))

    def _said(self, response: httpx.Response) -> Any:
        if response.status_code in (400, 409):
            raise Refused(response.json()["error"])
        response.raise_for_status()
        return response.json()

    # Acting as a person

    async def type(self, user: str, channel: str, text: str, thread_ts: str | None = None) -> Ack:
        """Type a line; ``/…`` is a slash command. For a message the Ack has ``acked=None`` and its ts as body."""
        said = await self.post("type", user=user, channel=channel, text=text, thread_ts=thread_ts)
        return Ack(None, None, body=said["ts"]) if "ts" in said else Ack(**said)

    async def click(self, user: str, channel: str | None, what: str, *, ts: str | None = None,
                    view_id: str | None = None, value: Any = None) -> Ack:  # fmt: skip
        """Press a button by its text or action_id, or choose ``value`` in a select; with no channel, in a view."""
        return Ack(**await self.post("click", user=user, channel=channel, action_id=what, ts=ts, view_id=view_id,
                                     value=value))  # fmt: skip

    async def submit(self, user: str, values: dict[str, Any] | None = None, view_id: str | None = None) -> Ack:
        """Fill the open modal ({action_id: value} or {block_id: {action_id: value}}) and submit it."""
        return Ack(**await self.post("submit", user=user, view_id=view_id, values=values or {}))

    async def together(self, *acts: dict[str, Any]) -> list[dict[str, Any]]:
        """Several acts at the same moment: {"act": "click", "user", "channel", "action_id"}, "type" or "submit".

        Each answer has the fields of Ack, or ``error`` alone where a person could not do it.
        """
        return list(await self.post("together", acts=list(acts)))

    async def type_many(self, lines: list[tuple[str, str, str]]) -> list[Ack]:
        """Many commands at the same moment: (user, channel, text) each."""
        acts = [{"act": "type", "user": u, "channel": c, "text": t} for u, c, t in lines]
        return [Ack(**row) for row in await self.together(*acts)]

    async def close_view(self, user: str, view_id: str | None = None, clear: bool = False) -> Ack:
        return Ack(**await self.post("close_view", user=user, view_id=view_id, clear=clear))

    async def shortcut(self, user: str, callback_id: str, channel: str | None = None, ts: str | None = None) -> Ack:
        return Ack(**await self.post("shortcut", user=user, callback_id=callback_id, channel=channel, ts=ts))

    async def suggest(self, user: str, action_id: str, value: str = "", view_id: str | None = None) -> list[Any]:
        """The options an external select offers for what was typed."""
        return list(await self.post("suggest", user=user, action_id=action_id, value=value, view_id=view_id))

    async def react(self, user: str, channel: str, ts: str, name: str) -> None:
        await self.post("react", user=user, channel=channel, ts=ts, name=name)

    async def pin(self, user: str, channel: str, ts: str) -> None:
        await self.post("pin", user=user, channel=channel, ts=ts)

    async def unreact(self, user: str, channel: str, ts: str, name: str) -> None:
        await self.post("unreact", user=user, channel=channel, ts=ts, name=name)

    async def unpin(self, user: str, channel: str, ts: str) -> None:
        await self.post("unpin", user=user, channel=channel, ts=ts)

    async def edit(self, user: str, channel: str, ts: str, text: str | None = None) -> None:
        """A person edits their own message; without a text they delete it."""
        await self.post("edit", user=user, channel=channel, ts=ts, text=text)

    async def open_home(self, user: str) -> None:
        await self.post("home", user=user)

    # Reading

    async def channels(self) -> list[dict[str, Any]]:
        return list(await self.get("channels"))

    async def channel(self, name: str, as_user: str | None = None) -> dict[str, Any]:
        """One channel with its messages as raw rows."""
        return dict(await self.get(f"channel/{quote(name, safe='@')}", **{"as": as_user}))

    async def messages(self, channel: str, as_user: str | None = None) -> list[Message]:
        """The messages in order; ``as_user`` adds what only that person sees, ``"*"`` everybody's."""
        return [Message.read(row) for row in (await self.channel(channel.removeprefix("#"), as_user))["messages"]]

    async def wait_for(
        self,
        channel: str,
        wanted: Wanted,
        as_user: str | None = None,
        timeout: float = 30.0,  # noqa: ASYNC109  (a test's own deadline)
    ) -> Message:
        """The latest message that contains the text (in ``plain``) or satisfies the predicate; waits for it.

        Raises TimeoutError showing what is in the channel instead. A channel that does not exist yet is waited for.
        """
        end, seen, stamp = time.monotonic() + timeout, "no such channel", None
        while True:
            try:
                asked = {"as": as_user, "unlike": stamp}
                found = await self.get(f"channel/{quote(channel.removeprefix('#'), safe='@')}", **asked)
                rows, stamp = [Message.read(row) for row in found["messages"]], found["stamp"]
                fit = [m for m in rows if (wanted in m.plain if isinstance(wanted, str) else wanted(m))]
                if fit:
                    return fit[-1]
                seen = "\n---\n".join(m.plain for m in rows) or "nothing"
            except Refused as no:
                seen, stamp = str(no), None
            if time.monotonic() > end:
                raise TimeoutError(f"{wanted!r} did not appear in {channel} within {timeout} s; there is:\n{seen}")
            if stamp is None:
                await asyncio.sleep(0.03)

    async def wait_until(self, check: Callable[[], Any], timeout: float = 30.0) -> Any:  # noqa: ASYNC109  (a test's own deadline)
        """Await ``check()`` (a coroutine function) until its answer is true; returns it. TimeoutError."""
        end = time.monotonic() + timeout
        while not (answer := await check()):
            if time.monotonic() > end:
                raise TimeoutError(f"still {answer!r} after {timeout} s")
            await asyncio.sleep(0.03)
        return answer

    async def find_channel(self, prefix: str, timeout: float = 30.0) -> dict[str, Any]:  # noqa: ASYNC109  (a test's own deadline)
        """The newest channel whose name begins so; waits for it."""

        async def look() -> dict[str, Any] | None:
            rows = [c for c in await self.channels() if c["name"].startswith(prefix)]
            return rows[-1] if rows else None

        return dict(await self.wait_until(look, timeout))

    async def views(self, user: str) -> list[Seen]:
        """The modal stack, the last one on top."""
        return [Seen.read(row) for row in (await self.get(f"views/{user}"))["open"]]

    async def home(self, user: str) -> Seen | None:
        row = (await self.get(f"views/{user}"))["home"]
        return Seen.read(row) if row else None

    async def notices(self, user: str) -> list[dict[str, Any]]:
        """What Slack itself told the person: time-outs, form errors."""
        return list((await self.get(f"views/{user}"))["notices"])

    async def files(self) -> list[dict[str, Any]]:
        return list(await self.get("files"))

    async def calls(
        self, service: str | None = None, method: str | None = None, since: int = 0
    ) -> list[dict[str, Any]]:
        """Requests received: number, service, method, arguments, at, monotonic, status, error, effect, fault, took_ms.

        A status of None is a request that was never answered (or not yet).
        """
        return list(await self.get("calls", service=service, method=method, since=since))

    async def deliveries(self, kind: str | None = None) -> list[dict[str, Any]]:
        """Deliveries to the app: id, kind, payload, attempts, acked, latency_ms. Kinds as in ``delivery.Delivery``."""
        return list(await self.get("deliveries", kind=kind))

    async def pagerduty(self) -> dict[str, Any]:
        """{incidents, webhooks, on_call}."""
        return dict(await self.get("pagerduty"))

    async def statuspage(self) -> dict[str, Any]:
        """{incidents, components, notified}."""
        return dict(await self.get("statuspage"))

    async def instances(self) -> list[dict[str, Any]]:
        """RDS: {id, status, zone, secondary_zone, multi_az, read_replica_of}."""
        return list(await self.get("aws/instances"))

    async def kubernetes(self) -> dict[str, Any]:
        """{deployments, pods, nodes, network_policies, config_maps}; see ``control_kubernetes.py``."""
        return dict(await self.get("kubernetes"))

    async def state(self) -> dict[str, Any]:
        return dict(await self.get("state"))

    async def env(self, socket_mode: bool = True) -> dict[str, str]:
        return dict((await self.get("state", http=None if socket_mode else 1))["env"])

    # Changing the world

    async def user(self, id: str, **fields: Any) -> dict[str, Any]:
        """Add or change a person: deleted=True, is_restricted=True, name=..., email=..."""
        return dict(self._said(await self.http.post("/control/users", json={"id": id, **fields})))

    async def group(
        self, handle: str, add: list[str] | None = None, remove: list[str] | None = None, by: str | None = None
    ) -> dict[str, Any]:
        """Change a group's members. by: who does (Slack's `updated_by`)."""
        return dict(await self.post("groups", handle=handle, add=add, remove=remove, by=by))

    async def change_channel(self, name: str, **fields: Any) -> dict[str, Any]:
        """create, private, add, remove, archived, ext_shared, rename."""
        return dict(await self.post("channel", name=name, **fields))

    async def scopes(self, add: list[str] | None = None, remove: list[str] | None = None) -> list[str]:
        return list((await self.post("scopes", add=add, remove=remove))["scopes"])

    async def acknowledge(self, incident_key: str, user: str) -> None:
        """A person acknowledges a page (Slack id, email or PagerDuty id)."""
        await self.post("pagerduty/ack", incident_key=incident_key, user=user)

    async def resolve_page(self, incident_key: str, user: str) -> None:
        await self.post("pagerduty/resolve", incident_key=incident_key, user=user)

    async def page(self, title: str, incident_key: str | None = None) -> dict[str, Any]:
        """Something else than Muster pages people in PagerDuty."""
        return dict(await self.post("pagerduty/trigger", title=title, incident_key=incident_key))

    async def alert(self, *alerts: dict[str, Any], group: str | None = None, token: str | None = None) -> int:
        """Alertmanager tells these alerts ({labels, annotations?, status?, startsAt?}); the app's status."""
        return int((await self.post("alertmanager", alerts=list(alerts), group=group, token=token))["status"])

    async def hook(self, body: Any, *, name: str | None = None, secret: str | None = None, shift: float = 0) -> int:
        """Something that signs its calls tells an alert; the app's status."""
        return int((await self.post("hook", body=body, name=name, secret=secret, shift=shift))["status"])

    async def instance(self, id: str, **fields: Any) -> dict[str, Any]:
        """status, zone, secondary_zone, multi_az of an RDS instance."""
        return dict(await self.post("aws/instances", id=id, **fields))

    async def kube(self, what: str, **asked: Any) -> Any:
        """deploy, break, crash, log, fill, role, change, metrics, skip; see ``control_kubernetes.py``."""
        return await self.post(f"kubernetes/{what}", **asked)

    # Trouble

    async def hosts(self) -> dict[str, dict[str, Any]]:
        """The state of each host, by name."""
        return {row["name"]: row for row in await self.get("hosts")}

    async def change_host(self, name: str, **fields: Any) -> dict[str, Any]:
        """Break or mend a host: unreachable, impostor, denied, containers, services, disk_used, slow, kill, ..."""
        changed: dict[str, Any] = await self.post("hosts", name=name, **fields)
        return changed

    async def fail(self, service: str, method: str = "*", mode: str = "500", times: int = 1, *,
                   retry_after: float | None = None, after: int = 0) -> None:  # fmt: skip
        """Plan a failure; modes are listed in ``faults.py``. ``times=-1`` until cleared."""
        await self.post("fail", service=service, method=method, mode=mode, times=times, retry_after=retry_after,
                        after=after)  # fmt: skip

    async def clear_faults(self, service: str | None = None) -> None:
        self._said(await self.http.delete("/control/fail", params={"service": service} if service else {}))

    async def latency(self, service: str, seconds: float, method: str = "*") -> None:
        await self.post("latency", service=service, method=method, seconds=seconds)

    async def rate(self, factor: float) -> None:
        await self.post("rate", factor=factor)

    async def settings(self, **changes: Any) -> dict[str, Any]:
        return dict(await self.post("settings", **changes))

    async def age(self, seconds: float) -> None:
        """Make response URLs and trigger ids older."""
        await self.post("age", seconds=seconds)

    async def deliver_to(
        self, mode: str | None = None, url: str | None = None, pagerduty_url: str | None = None
    ) -> None:
        """Where Slack sends to (``socket``, or ``http`` with a url), and where PagerDuty's webhooks go."""
        await self.post("deliver_to", mode=mode, url=url, pagerduty_url=pagerduty_url)

    async def redeliver(
        self, delivery_id: str, *, mutate: dict[str, Any] | None = None, timestamp_shift: float | None = None,
        secret: str | None = None, signature: str | None = None,
    ) -> Ack:  # fmt: skip
        """Replay a delivery as it was, or changed (dotted paths), with another time, secret or signature."""
        return Ack(**await self.post(
            "redeliver", delivery_id=delivery_id, mutate=mutate, timestamp_shift=timestamp_shift, secret=secret,
            signature=signature,
        ))  # fmt: skip

    async def webhook_again(self, webhook_id: str, secret: str | None = None, body: str | None = None) -> int:
        return int((await self.post("webhook_again", webhook_id=webhook_id, secret=secret, body=body))["status"])

    async def disconnect(self, reason: str = "refresh_requested", hard: bool = False) -> None:
        await self.post("disconnect", reason=reason, hard=hard)

    async def revoke(self, token: str, back: bool = False) -> None:
        await self.post("revoke", token=token, back=back)

    async def reset(self) -> None:
        await self.post("reset")
