"""What a newcomer tries next: a sev1 with two approvers, step by step, ticked off as it happens.

Belongs here: the steps and how each is seen to have been done. Does not belong here: the product's own help.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.sandbox.aws import INSTANCE
from bot.sandbox.slack.text import flattened
from bot.sandbox.world import BOT_USER, Channel

if TYPE_CHECKING:
    from bot.sandbox.server import Sandbox

DECLARE = "/incident declare sev1 checkout is down service=checkout"
FAILOVER = "failover/rds-multi-az service=checkout"


async def steps(sandbox: Sandbox) -> list[dict[str, Any]]:
    """[{title, say, user, channel, line, done}]: line is put into the box, never sent, when the person wants it."""
    place = _incident(sandbox)
    heard = _heard(place) if place else ""
    where, name = (place.id, f"#{place.name}") if place else ("C0GENERAL", "the incident's channel")
    paged = list(sandbox.pagerduty.incidents.values())
    moved = await _moved(sandbox)
    asked = "aws.rds_failover" in heard and "Approve" in heard
    rows = [
        ("Declare", "Ana sees checkout fail. Declare it as Ana in #general.", "U0ANA", "C0GENERAL", DECLARE,
         place is not None),
        ("Acknowledge", "Ben was paged. Press *Acknowledge as Ben* in the PagerDuty panel.", "U0BEN", where, "",
         any(one.status != "triggered" for one in paged)),
        ("Look before leaping", f"As Ben in {name}: what would the failover do?", "U0BEN", where,
         f"/playbook plan {FAILOVER}", _typed(sandbox, "/playbook", "plan") or asked or moved),
        ("Ask for it", "As Ana: the step that cannot be taken back waits for two other people.", "U0ANA", where,
         f"/playbook run {FAILOVER}", asked or "1 of 2" in heard or moved),
        ("Ben approves", "Be Ben and press *Approve*. (Ana and Eve are told why they cannot.)", "U0BEN", where, "",
         "1 of 2" in heard or moved),
        ("Chi approves", "Be Chi and press *Approve*: it starts. Watch the run card and the AWS panel.", "U0CHI",
         where, "", moved),
        ("Resolve", "As Ben: say what it was. The draft of the post-mortem follows.", "U0BEN", where,
         "/incident resolve writer failed over, root cause under review",
         _typed(sandbox, "/incident", "resolve")),
        ("Now break something", "Let PagerDuty answer 429 in its panel, declare again, and read who to call instead.",
         "U0ANA", "C0GENERAL", "/incident declare sev1 payments are failing service=checkout",
         any(call.fault for call in sandbox.wire.calls if call.service != "slack")),
    ]  # fmt: skip
    names = ("title", "say", "user", "channel", "line", "done")
    return [dict(zip(names, row, strict=True)) for row in rows]


def _incident(sandbox: Sandbox) -> Channel | None:
    """The channel of the first incident."""
    return next((c for c in sandbox.world.channels.values() if c.name.startswith("inc-")), None)


def _heard(channel: Channel) -> str:
    said = [flattened(m.text, m.blocks) for m in channel.messages if m.user == BOT_USER and not m.ephemeral_for]
    return "\n".join(said)


async def _moved(sandbox: Sandbox) -> bool:
    """Whether orders-db writes from another zone than the broken one."""
    if not sandbox.aws.loaded:
        return False
    zone = (await sandbox.aws.corrections()).writer_zone(INSTANCE)
    return zone is not None and zone != sandbox.settings.broken_zone


def _typed(sandbox: Sandbox, command: str, verb: str) -> bool:
    return any(
        one.kind == "slash_commands" and one.payload["command"] == command and str(one.payload["text"]).startswith(verb)
        for one in sandbox.deliveries.sent.values()
    )
