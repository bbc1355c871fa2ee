"""What the outside shows, as one plain value: two plays that did the same leave the same.

Belongs here: what people would see in each service, without ids and times. A new stand-in adds its line to `SEEN`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from bot.sandbox import Sandbox
from bot.sandbox.slack.text import flattened
from bot.sandbox.wire import Call

VARIES = re.compile(
    r"\d{4}-\d\d-\d\d|\d\d?:\d\d(:\d\d)?|\d+(\.\d+)? (ms|s|min|h)\b|less than a second|:\d{4,5}/"  # times, durations, ports
    r"|sha256:[0-9a-f]+|\b[0-9a-f]{12,}\b|\bAKIA\w+"  # digests and names made up anew each time
)


# What the gates in front of real servers let pass and what changes nothing: there every answer counts as carried out.
QUIET = {
    "postgres": {"BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "SELECT", "SET", "SHOW", "WITH", "EXPLAIN"},
    "redis": {"HELLO", "AUTH", "CLIENT", "SELECT", "PING", "INFO", "GET", "EXISTS", "TTL", "PTTL", "TYPE", "SCAN", "DBSIZE",
              "LASTSAVE", "ROLE", "MEMORY", "WATCH", "UNWATCH", "MULTI", "COMMAND"},
    "jira": {"POST /search", "POST /search/jql"}, "prometheus": {"query", "query_range"},
}  # fmt: skip

AGAIN = re.compile(r"~(?: ~)+")  # "1 min 3 s" is as long as "58 s"


def changed(call: Call) -> bool:
    """Whether a request changed something."""
    return call.effect and call.method not in QUIET.get(call.service, ())


def plain(text: str) -> str:
    """Words without what differs from play to play: times, durations, ports, digests."""
    return AGAIN.sub("~", VARIES.sub("~", text))


def _slack(sandbox: Sandbox) -> Any:
    """Each conversation: name or people, members, topic, and what Muster said in it."""
    return sorted(
        (
            channel.name or "dm:" + ",".join(sorted(channel.members)), sorted(channel.members), plain(channel.topic),
            channel.is_private, channel.is_archived,
            sorted(plain(flattened(m.text, m.blocks)) for m in channel.messages if m.by_app and not m.deleted),
        )
        for channel in sandbox.world.channels.values()
    )  # fmt: skip


def _files(sandbox: Sandbox) -> Any:
    return sorted((plain(file.title), sorted(file.channels)) for file in sandbox.world.files.values() if file.completed)


def _pagerduty(sandbox: Sandbox) -> Any:
    incidents = sandbox.pagerduty.incidents.values()
    return sorted((plain(one.title), one.status, sorted(one.assigned), len(one.notes)) for one in incidents)


def _statuspage(sandbox: Sandbox) -> Any:
    incidents = sandbox.statuspage.incidents.values()
    return sorted((one["name"], one["status"], len(one["incident_updates"])) for one in incidents)


def _rds(sandbox: Sandbox) -> Any:
    if sandbox.aws._corrections is None:
        return []
    return sorted((one["id"], one["status"], str(one["zone"])) for one in sandbox.aws._corrections.show())


def _hosts(sandbox: Sandbox) -> Any:
    """Each host: what runs, what is kept, what is closed, and how many files there are."""
    return {
        name: (
            sorted((each.name, each.status, each.health) for each in one.machine.containers.values()), one.machine.rules,
            one.machine.volumes, sorted(one.machine.images), one.machine.databases, one.machine.keys,
            one.machine.release, one.machine.built, one.machine.colour, len(one.machine.files),
        )
        for name, one in sandbox.hosts.by_name.items()
    }  # fmt: skip


def _jira(sandbox: Sandbox) -> Any:
    return [plain(one["fields"]["summary"]) for one in sandbox.jira.issues.values()]


def _hooks(sandbox: Sandbox) -> Any:
    return [(one["hook"], one["body"]) for one in sandbox.outside.taken]


SEEN: dict[str, Callable[[Sandbox], Any]] = {
    "slack": _slack, "files": _files, "pagerduty": _pagerduty, "statuspage": _statuspage, "rds": _rds, "hosts": _hosts,
    "jira": _jira, "hooks": _hooks,
}  # fmt: skip


def seen(sandbox: Sandbox) -> dict[str, Any]:
    """What every service shows now."""
    return {name: look(sandbox) for name, look in SEEN.items()}
