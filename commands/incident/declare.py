"""`/incident declare`: open an incident, and set off everything that goes with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any

from commands import opening
from commands.by_hand import call_by_hand
from commands.cadence import cadence_of
from commands.command import Call, Command, Reply, command
from commands.fields import Arg
from commands.house import House
from commands.places import visible
from commands.starting import try_start
from commands.timers import customer_mail, settle
from commands.timers import role as role_timer
from commands.triage import card_of, take
from commands.words import cut, dot, esc, lines, name_of, safe
from playbooks.channel_names import channel_name
from playbooks.errors import Refused
from playbooks.policy import Policy, Severity
from storage import cards, inbox, incidents, timers
from storage.inbox import Ask
from storage.incidents import Incident

FROM = ("alerts=", "message=")  # fields that say what it comes from; nobody types them into a form


@dataclass(frozen=True)
class Blind:
    """What an incident brings along that was declared without the database. at: when, by the host's clock."""

    at: datetime | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


@command(
    "incident declare",
    who="declare",
    group="Start and end",
    examples=("incident declare sev1 checkout is down", "incident declare sev2 slow search service=checkout"),
)
class Declare(Command):
    """Declare an incident: page the on-call, open a channel, tell people

    Alone it opens a form. type=security is private, unannounced and unpublished from the first second.
    """

    severity: Annotated[str, Arg("severity", "how bad it is")]
    title: Annotated[str, Arg("line", "what is wrong")]
    service: Annotated[str, Arg("service", "what is hit", keyed=True)] = ""
    alerts: Annotated[str, Arg("alerts", "alerts that came in, such as T-7", keyed=True)] = ""
    message: Annotated[str, Arg("message", "a message it comes from", keyed=True)] = ""
    type: Annotated[str, Arg("choice", "security is private", keyed=True, choices=("normal", "security"))] = "normal"

    @classmethod
    def form(cls, ask: Ask) -> bool:
        """`/incident declare` alone, or with nothing but what it comes from."""
        return all(word.startswith(FROM) for word in ask.line.split()[2:])

    @classmethod
    def check(cls, values: Mapping[str, str], house: House) -> dict[str, str]:
        """Everything a form can have wrong."""
        wrong: dict[str, str] = {}
        if not str(values.get("title") or "").strip():
            wrong["title"] = "Say what is wrong, in a few words."
        for name, find in (("severity", house.policy.severity), ("service", house.policy.service)):
            said = str(values.get(name) or "").strip()
            try:
                if said or name == "severity":
                    find(said)
            except Refused as error:
                wrong[name] = error.message.replace("**", "")
        return wrong

    @classmethod
    def by_hand(cls, policy: Policy) -> str:
        """The telephone still works."""
        return call_by_hand(policy, None)

    def act(self, call: Call, seen: None) -> Reply:
        """Everything in one transaction: rows, timers, and the run that pages, opens and tells."""
        return self.open(call, Blind())[1]

    def open(self, call: Call, blind: Blind) -> tuple[Incident, Reply]:
        """The same for one that was declared blind and is imported now: with its own time and its page's key."""
        tx, policy = call.tx, call.house.policy
        severity = policy.severity(self.severity)
        card = card_of(call, self.alerts) if self.alerts else None
        site = policy.site_of(policy.services.get(self.service))
        others = self._others(call)
        found = incidents.open_incident(
            tx, title=self.title, severity=severity.name, by=call.person, type=self.type,
            private=self.type == "security", service=self.service or None, site=site.name if site else None,
            origin_channel=call.ask.channel, facts=blind.facts, declared_at=blind.at,
        )  # fmt: skip
        self._roles(call, found)
        self._clocks(call, found, severity)
        if severity.status_page.mode == "draft" and not found.private:
            cards.want(tx, "status_page", found.id, found.id)
        given = {"title": self.title, "severity": severity.name, "service": self.service, "number": found.number}
        run, problem = try_start(call, severity.declare, given, found)
        if card:
            take(call, card, found, joined=False)
        if self.message:
            self._capture(call, found)
        if run:
            settle.arm(tx, run)
        return found, self._reply(call, found, severity, problem, others)

    def _capture(self, call: Call, found: Incident) -> None:
        """The message it comes from goes on the timeline by an ask of its own: declaring waits for no look at Slack."""
        line = f"incident capture {self.message} incident={found.id} how=declared"
        asked = Ask(
            key=f"{call.ask.key}:message", kind="event", line=line, account_kind=call.ask.account_kind,
            account=call.ask.account, via=call.ask.via, channel=call.ask.channel, values={"event_type": "declared"},
        )  # fmt: skip
        inbox.store(call.tx, [asked])

    def _others(self, call: Call) -> list[Incident]:
        if not self.service:
            return []
        known = [one for one in incidents.open_ones(call.tx) if one.service == self.service]
        return [one for one in known if visible(call.tx, call.house.policy, one, call.actor, call.ask.channel)]

    def _roles(self, call: Call, found: Incident) -> None:
        """Hats that policy gives to a named person; groups and first_acknowledger are filled by people."""
        for name, role in call.house.policy.roles.items():
            slack = role.default if role.default and role.default[:1] in ("U", "W") and role.default.isalnum() else None
            person = call.house.directory.person_by_slack(call.tx, slack) if slack else None
            if person:
                incidents.set_role(call.tx, found.id, name, person, by="muster")

    def _clocks(self, call: Call, found: Incident, severity: Severity) -> None:
        if severity.acknowledge_within and severity.page_within is not None:
            timers.set(call.tx, "acknowledge", found.id, found.declared_at + severity.acknowledge_within)
        if cadence := cadence_of(severity, private=found.private):
            incidents.set_update_due(call.tx, found.id, found.declared_at + cadence)
        customer_mail.arm(call.tx, call.house.policy, found)
        role_timer.arm(call.tx, found, severity)

    def _reply(self, call: Call, found: Incident, severity: Severity, problem: str, others: list[Incident]) -> Reply:
        policy = call.house.policy
        mark = "🔒" if found.private else dot(policy, found.severity)
        data = {"incident": found.id}
        same = "".join(_same(one, found) for one in others[:3])
        also = opening.words(call.tx, opening.others(call.tx, call.ask.account))
        same += f"\n{also}" if also else ""
        if problem:
            text = (
                f"⚠️ {name_of(found)} is declared, but *nobody is paged and no channel is opened*: {safe(problem)}\n"
                f"{call_by_hand(policy, found.service)}"
            )
            return Reply(text=text + same, ok=False, data=data)
        channel = channel_name(found.number, found.title, secret=found.private)
        doing = [f"→ `#{channel}`"]
        if severity.page_within is not None:
            paging = "paged already:" if found.facts.get("paged_blind") else "paging"
            doing.append(f"{paging} *{esc(_whom(policy, found.service))}*")
        quiet = "Nothing is announced or published." if found.private else ""
        return Reply(text=lines(f"{mark} Declaring {name_of(found)} … {' · '.join(doing)}", quiet) + same, data=data)


def _whom(policy: Policy, service: str | None) -> str:
    known = policy.services.get(service) if service else None
    return (known.pagerduty.escalation_policy or known.title or known.name) if known else "the on-call"


def _same(other: Incident, found: Incident) -> str:
    title = "" if other.private else f"{esc(cut(other.title, 80))} "
    return (
        f"\n⚠️ *{other.id}* {title}is open for *{esc(found.service or '')}* too; if it is the same, "
        f"`/incident cancel incident={found.id} same as {other.id}`."
    )
