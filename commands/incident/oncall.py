"""`/incident oncall`: whose phone rings now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

from commands.by_hand import call_by_hand
from commands.command import Call, Command, Reply, command
from commands.fields import Arg
from commands.house import House
from commands.words import clock, esc, lines
from playbooks.directory import OnCallNow
from storage import people, timers
from storage.inbox import Ask

MOST = 8


@command("incident oncall", group="People", place="here", examples=("incident oncall", "incident oncall checkout"))
class Oncall(Command):
    """Show who is on call now, asked of PagerDuty this moment

    In an incident's channel: for its service. Else for every service, or the one named.
    """

    service: Annotated[str, Arg("service", "for which service")] = ""

    async def before(self, ask: Ask, house: House) -> Mapping[str, OnCallNow]:
        """Everybody on call, by escalation policy."""
        wanted = {one.pagerduty.escalation_policy for one in house.policy.services.values()}
        return await house.directory.on_call_now(sorted(name for name in wanted if name))

    def act(self, call: Call, seen: Mapping[str, OnCallNow]) -> Reply:
        """A line for each layer; what PagerDuty does not say now is told from what it said last."""
        policy = call.house.policy
        service = self.service or (call.incident.service if call.incident else None) or ""
        about = [policy.services[service]] if service in policy.services else list(policy.services.values())
        named: dict[str, list[str]] = {}
        for one in about:
            if escalation := one.pagerduty.escalation_policy:
                named.setdefault(escalation, []).append(one.name)
        if not named:
            what = f"*{esc(service)}*" if service else "any service"
            phones = call_by_hand(policy, service or None)
            return Reply(text=f"The policy names no escalation policy for {what}. {phones}", data={"oncall": {}})
        parts = [self._policy(call, name, whose, seen.get(name)) for name, whose in list(named.items())[:MOST]]
        data = {name: list(seen[name].words) for name in named if name in seen}
        return Reply(text=lines(*parts, self._next(call), call_by_hand(policy, service or None)), data={"oncall": data})

    def _next(self, call: Call) -> str:
        """When the next layer's phones ring for the incident of this channel; "" where that is not to come."""
        found = call.incident
        at = timers.escalates_at(call.tx, found.id) if found and found.open and found.kind != "drill" else None
        if found is None or at is None:
            return ""
        return (
            f"⏱ Nobody has acknowledged the page of *{found.id}*: the next layer is called *{clock(at, call.tx.now)} "
            "UTC*. Sooner: `/incident escalate`; if you have it: `/incident ack`."
        )

    def _policy(self, call: Call, name: str, whose: Sequence[str], now: OnCallNow | None) -> str:
        """*Payments* (checkout): 1. Ben (primary, until Mon 23 Nov 08:00 UTC) · 2. Chi"""
        head = f"*{esc(name)}* ({esc(', '.join(whose[:4]))})"
        if now is not None and not now.why_not:
            return f"{head}: {esc(' · '.join(now.words)) or '*nobody is on call*'}"
        rows = people.on_call(call.tx, name)
        why = f"⚠️ PagerDuty does not say now: {esc(now.why_not if now else 'not asked')}"
        if not rows:
            return f"{head}: {why} Who it was last is not known."
        last = " · ".join(f"{one.level}. {esc(one.name)}" for one in rows)
        return f"{head}: {last}, as of {clock(rows[0].seen_at, call.tx.now)} UTC. {why}"
