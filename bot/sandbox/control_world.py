"""The changing half of the control API: people, groups, channels, scopes, PagerDuty's people, AWS instances, the clock.

Each change tells the app by event, as Slack would.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from bot.sandbox.control_read import summary
from bot.sandbox.slack.conversations import check_name
from bot.sandbox.slack.elements import CannotDo
from bot.sandbox.slack.method import SlackError
from bot.sandbox.world import Channel, Group, User

if TYPE_CHECKING:
    from bot.sandbox.server import Sandbox


async def users(sandbox: Sandbox, asked: dict[str, Any]) -> Any:
    """{id, name?, real_name?, email?, tz?, deleted?, is_restricted?, is_bot?, is_stranger?, ...}: add or change one."""
    world, id_ = sandbox.world, str(asked["id"])
    fields = {k: v for k, v in asked.items() if k != "id"}
    unknown = set(fields) - set(User.__dataclass_fields__)
    if unknown:
        raise ValueError(f"a user has no {', '.join(sorted(unknown))}")
    new = id_ not in world.users
    if new:
        name = str(fields.get("name") or id_.lower())
        world.users[id_] = User(id_, name, str(fields.get("real_name") or name.capitalize()))
    for key, value in fields.items():
        setattr(world.users[id_], key, value)
    sandbox.events.user_changed(id_, new)
    return asdict(world.users[id_])


async def groups(sandbox: Sandbox, asked: dict[str, Any]) -> Any:
    """{handle, add?: [user], remove?: [user], disabled?, by?: user}: add a group or change its members, as somebody."""
    world, handle = sandbox.world, str(asked["handle"])
    group = world.group_named(handle)
    if group is None:
        group = Group(world.id("S"), handle, handle.capitalize(), [])
        world.groups[group.id] = group
    added = [sandbox.people.person(u).id for u in asked.get("add") or []]
    removed = [u for u in (world.users.get(r, world.user_named(r)) for r in asked.get("remove") or []) if u]
    group.users = [u for u in dict.fromkeys([*group.users, *added]) if u not in [r.id for r in removed]]
    group.updated_by = sandbox.people.person(str(asked["by"])).id if asked.get("by") else group.updated_by
    if "disabled" in asked:
        group.disabled = bool(asked["disabled"])
    sandbox.events.group_changed(group.id, added, [r.id for r in removed])
    return asdict(group)


async def channel(sandbox: Sandbox, asked: dict[str, Any]) -> Any:
    """{name, create?, private?, add?, remove?, archived?, ext_shared?, rename?}: add or change one as people do."""
    world, name = sandbox.world, str(asked["name"]).removeprefix("#")
    found = world.channel(name)
    if found is None and asked.get("create"):
        try:
            check_name(name)
        except SlackError as refusal:
            raise ValueError(refusal.code) from None
        creator = sandbox.people.person(asked.get("creator") or "U0ANA").id
        found = world.add_channel(Channel(world.id("C"), name, creator, [creator], bool(asked.get("private"))))
    if found is None:
        raise CannotDo(f"no channel {name}")
    for user in asked.get("add") or []:
        if user not in found.members:
            found.members.append(user)
            sandbox.events.member(found, user, joined=True)
    for user in asked.get("remove") or []:
        if user in found.members:
            found.members.remove(user)
            sandbox.events.member(found, user, joined=False)
    if "archived" in asked:
        found.is_archived = bool(asked["archived"])
    if "ext_shared" in asked:
        found.is_ext_shared = bool(asked["ext_shared"])
    if asked.get("rename"):
        world.rename_channel(found, str(asked["rename"]))
    return summary(found)


async def delete_message(sandbox: Sandbox, asked: dict[str, Any]) -> Any:
    """{channel, ts}: somebody deletes a message."""
    found = sandbox.world.channel(asked["channel"])
    message = found.find(asked["ts"]) if found else None
    if message is None:
        raise CannotDo("no such message")
    message.deleted = True
    return {"ok": True}


async def scopes(sandbox: Sandbox, asked: dict[str, Any]) -> Any:
    """{add?: [scope], remove?: [scope]}: what the bot token may do."""
    world = sandbox.world
    wanted = [*world.scopes, *(asked.get("add") or [])]
    world.scopes = [s for s in dict.fromkeys(wanted) if s not in (asked.get("remove") or [])]
    return {"scopes": world.scopes}


async def age(sandbox: Sandbox, asked: dict[str, Any]) -> Any:
    """{seconds}: response URLs and trigger ids become older by so much."""
    seconds = float(asked["seconds"])
    for url in sandbox.responses.urls.values():
        url.at -= seconds
    for trigger in sandbox.triggers.values():
        trigger.at -= seconds
    return {"now": time.time()}


def _page(sandbox: Sandbox, asked: dict[str, Any]) -> tuple[Any, str | None]:
    incident = sandbox.pagerduty.find(str(asked["incident_key"]))
    if incident is None:
        raise CannotDo(f"PagerDuty has no incident {asked['incident_key']}")
    wanted = str(asked.get("user") or "")
    if not wanted:
        return incident, None
    slack = sandbox.world.users.get(wanted) or sandbox.world.user_named(wanted)
    email = slack.email if slack else wanted
    person = sandbox.pagerduty.users.get(wanted) or sandbox.pagerduty.user_by_email(email)
    if person is None:
        raise CannotDo(f"{wanted} has no PagerDuty account")
    return incident, str(person["id"])


async def acknowledge(sandbox: Sandbox, asked: dict[str, Any]) -> Any:
    """{incident_key (or id), user?}: a person (Slack id, email or PagerDuty id) acknowledges; emits the webhook."""
    incident, user = _page(sandbox, asked)
    return {"changed": sandbox.pagerduty.change(incident, "acknowledged", user), "id": incident.id}


async def resolve(sandbox: Sandbox, asked: dict[str, Any]) -> Any:
    """{incident_key (or id), user?}."""
    incident, user = _page(sandbox, asked)
    return {"changed": sandbox.pagerduty.change(incident, "resolved", user), "id": incident.id}


async def annotate(sandbox: Sandbox, asked: dict[str, Any]) -> Any:
    """{incident_key (or id), user, content}."""
    incident, user = _page(sandbox, asked)
    return sandbox.pagerduty.annotate(incident, str(asked["content"]), user or "PUSRBEN")


async def trigger(sandbox: Sandbox, asked: dict[str, Any]) -> Any:
    """{title, incident_key?}: something else than Muster pages; emits the webhook."""
    service = next(iter(sandbox.pagerduty.services))
    key = str(asked.get("incident_key") or sandbox.world.id("key"))
    return sandbox.pagerduty.show(sandbox.pagerduty.open(str(asked["title"]), key, service))


async def alertmanager(sandbox: Sandbox, asked: dict[str, Any]) -> Any:
    """{alerts: [{labels, annotations?, status?, startsAt?}], group?, token?}: Alertmanager tells a group of alerts."""
    return {"status": await sandbox.alerts.alertmanager(asked)}


async def signed_hook(sandbox: Sandbox, asked: dict[str, Any]) -> Any:
    """{name?, body, secret?, shift?}: something that signs its calls tells an alert."""
    return {"status": await sandbox.alerts.signed(asked)}


async def on_call(sandbox: Sandbox, asked: dict[str, Any]) -> Any:
    """{rows: [[policy, level, pagerduty user id], ...]}: who is on call from now on."""
    account = sandbox.pagerduty
    rows = [(str(p), int(level), str(u)) for p, level, u in asked["rows"]]
    if any(p not in account.policies or u not in account.users for p, _, u in rows):
        raise ValueError("unknown policy or user")
    account.on_call = rows
    return rows


async def pagerduty_users(sandbox: Sandbox, asked: dict[str, Any]) -> Any:
    """{id, name, email, phone?, remove?}: add, change or remove a PagerDuty user."""
    account, id_ = sandbox.pagerduty, str(asked["id"])
    if asked.get("remove"):
        account.on_call = [row for row in account.on_call if row[2] != id_]
        return account.users.pop(id_)
    old = account.users.get(id_, {"id": id_, "name": id_, "email": "", "role": "user", "phone": ""})
    account.users[id_] = old | {k: str(asked[k]) for k in ("name", "email", "phone") if k in asked}
    return account.users[id_]


async def instance(sandbox: Sandbox, asked: dict[str, Any]) -> Any:
    """{id, status?, zone?, secondary_zone?, multi_az?}: as if it had happened."""
    corrections = await sandbox.aws.corrections()
    return corrections.change(str(asked["id"]), {k: v for k, v in asked.items() if k != "id"})


async def prometheus(sandbox: Sandbox, asked: dict[str, Any]) -> Any:
    """{query, values?, history?} or {alert, age_s?, labels?}: what Prometheus says from now on."""
    return sandbox.prometheus.change(asked)


async def jira(sandbox: Sandbox, asked: dict[str, Any]) -> Any:
    """{lag_s?, cloud?, dated?, move?: {key: status}}: how far its search lags behind, which kind of Jira it is, whether
    its screen has a due date, which issues somebody moves ("" deletes one)."""
    sandbox.jira.lag_s = float(asked.get("lag_s", sandbox.jira.lag_s))
    sandbox.jira.cloud = bool(asked.get("cloud", sandbox.jira.cloud))
    sandbox.jira.dated = bool(asked.get("dated", sandbox.jira.dated))
    for key, status in dict(asked.get("move") or {}).items():
        sandbox.jira.move(key, str(status))
    return {"lag_s": sandbox.jira.lag_s, "cloud": sandbox.jira.cloud}


async def canary(sandbox: Sandbox, asked: dict[str, Any]) -> Any:
    """Any JSON: what the demo's canary answers from now on."""
    sandbox.outside.canary = asked
    return asked


async def host(sandbox: Sandbox, asked: dict[str, Any]) -> Any:
    """{name, unreachable?, impostor?, denied?, ...}: break or mend a host; the rest as ``host.machine`` takes it."""
    return await sandbox.hosts.change(asked)


ROUTES: dict[str, Callable[[Sandbox, dict[str, Any]], Awaitable[Any]]] = {
    "users": users, "groups": groups, "channel": channel, "delete_message": delete_message, "scopes": scopes,
    "age": age, "pagerduty/ack": acknowledge, "pagerduty/resolve": resolve, "pagerduty/note": annotate,
    "pagerduty/trigger": trigger,
    "pagerduty/on_call": on_call, "pagerduty/users": pagerduty_users, "aws/instances": instance, "hosts": host,
    "prometheus": prometheus, "jira": jira, "canary": canary, "alertmanager": alertmanager, "hook": signed_hook,
}  # fmt: skip
