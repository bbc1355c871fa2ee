"""The app's Home tab: what waits for me, my roles and tasks, what is open, whose phone rings now.

Belongs here: reading it from rows and its words. Does not belong here: publishing it (bot/cards.py), deciding anything:
the buttons are those of the approval's and the decision's own cards, and the same rows decide.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.render import approval, decision
from bot.render.approval import ApprovalFacts
from bot.render.blocks import Block, Drawn, buttons, context, cut, escape, person, section
from bot.render.decision import DecisionFacts
from bot.render.facts import DOTS, Around, names
from commands.command import Actor, Button
from commands.places import visible
from commands.tasking import buttons as task_buttons
from playbooks.policy import Policy
from storage import decisions, incidents, people, runs, tasks, triage
from storage.db import Tx
from storage.incidents import Incident
from storage.tasks import Task
from storage.triage import Triage

SHOWN = 8
BLOCKS_MOST = 98  # a Home tab has at most 100 (contract A8)


@dataclass(frozen=True)
class HomeFacts:
    """Everything about one person now. why_not: why this account sees nothing, "" for a full member."""

    why_not: str
    approvals: tuple[tuple[ApprovalFacts, Around], ...] = ()
    decisions: tuple[tuple[DecisionFacts, Around], ...] = ()
    roles: tuple[tuple[str, Incident], ...] = ()
    tasks: tuple[Task, ...] = ()
    open: tuple[Incident, ...] = ()
    alerts: tuple[Triage, ...] = ()
    on_call: tuple[tuple[str, tuple[str, ...], datetime], ...] = ()


def read(tx: Tx, subject: str, policy: Policy, url: str) -> tuple[HomeFacts, Around] | None:
    """The rows behind one account's Home ("T1/U1")."""
    around = Around(policy, url, tx.now)
    known = people.account(tx, "slack", subject)
    if known is None or known.person is None or known.state not in (people.MEMBER, people.UNVERIFIED):
        return HomeFacts(
            people.why_no_vote(known.state if known else people.UNMAPPED) or "Nobody knows you yet."
        ), around
    me = _actor(tx, subject, known.person)
    seen = [one for one in incidents.open_ones(tx) if visible(tx, policy, one, me, None)]
    worn = [(held.role, one) for one in seen for held in incidents.roles_of(tx, one.id) if held.person == known.person]
    facts = HomeFacts(
        "",
        tuple(_approvals(tx, policy, url, known.person, {one.id for one in seen})),
        tuple(_decisions(tx, policy, url, known.person)),
        tuple(worn),
        tuple(task for task in tasks.owned_by(tx, known.person) if task.incident in {one.id for one in seen}),
        tuple(seen),
        tuple(triage.open_cards(tx)),
        tuple(_on_call(tx, policy)),
    )
    ids = [one.declared_by for one in seen]
    return facts, Around(policy, url, tx.now, names(tx, ids))


def _actor(tx: Tx, account: str, who: str) -> Actor:
    """Who it is for what may be seen, as rows believe now."""
    voter = people.voters_by_id(tx, [who])[who]
    groups = frozenset(one.group for one in voter.memberships if one.for_voting)
    return Actor("slack", account, who, people.name(tx, who), "", groups)


def _approvals(tx: Tx, policy: Policy, url: str, who: str, seen: set[str]) -> list[tuple[ApprovalFacts, Around]]:
    """Open ones this person could complete now and has not answered."""
    found = []
    for id in runs.waiting_approvals(tx):
        shown = approval.read(tx, id, policy, url)
        if shown is None:
            continue
        facts = shown[0]
        mine = who in {one.person for one in facts.able.eligible} and who not in {vote.person for vote in facts.votes}
        if mine and (facts.run.incident is None or facts.run.incident in seen):
            found.append(shown)
    return found[:SHOWN]


def _decisions(tx: Tx, policy: Policy, url: str, who: str) -> list[tuple[DecisionFacts, Around]]:
    found = []
    for one in decisions.recent(tx, limit=50):
        shown = decision.read(tx, one.id, policy, url) if one.state == decisions.OPEN else None
        if shown and who in {able.person for able in shown[0].able.eligible} and who not in shown[0].standing.agreed:
            found.append(shown)
    return found[:SHOWN]


def _on_call(tx: Tx, policy: Policy) -> list[tuple[str, tuple[str, ...], datetime]]:
    wanted = dict.fromkeys(one.pagerduty.escalation_policy for one in policy.services.values())
    found = []
    for name in [name for name in wanted if name]:
        if rows := people.on_call(tx, name):
            found.append((name, tuple(f"{one.level}. {one.name}" for one in rows), min(one.seen_at for one in rows)))
    return found


def draw(facts: HomeFacts, around: Around) -> Drawn:
    """The tab's blocks. Numbers of buttons run on, so that each action id is its own."""
    if facts.why_not:
        return Drawn("Muster", (section(f"{escape(facts.why_not)} Muster is for full members of this workspace."),))
    page = _Page()
    page.head("Waiting for you")
    for asked, about in facts.approvals:
        page.card(approval.draw(asked, about), approval.answers(asked))
    for held, about in facts.decisions:
        page.card(decision.draw(held, about), decision.answers(held))
    if not (facts.approvals or facts.decisions):
        page.line("Nothing waits for your word.")
    page.head("Your roles")
    page.lines([f"*{escape(_role(around, name))}* of {_incident(around, one)}" for name, one in facts.roles], "None.")
    page.head("Your tasks")
    for task in facts.tasks[:SHOWN]:
        due = f" · due *{around.at(task.due_at)}* UTC" if task.due_at else ""
        page.entry(f"*{task.id}* {person(task.what, 200)}{due}", task_buttons(task))
    if not facts.tasks:
        page.line("None.")
    page.head("Open incidents")
    page.lines([_incident(around, one, long=True) for one in facts.open], "Nothing is open.")
    for card in facts.alerts[:SHOWN]:
        found = [Button(label="Declare", line=f"incident declare alerts={card.id}")]
        page.entry(f"🔥 *{card.id}* {person(card.title, 150)} · waits since {around.at(card.opened_at)} UTC", found)
    page.head("On call now")
    page.lines(
        [
            f"*{escape(name)}*: {person(' · '.join(who), 300)} _(as of {around.at(at)})_"
            for name, who, at in facts.on_call
        ],
        "Not known here. `/incident oncall` asks PagerDuty.",
    )
    page.entry("", [Button(label="Declare an incident", line="incident declare", style="danger")])
    return Drawn("Muster", tuple(page.blocks[:BLOCKS_MOST]))


class _Page:
    """Blocks in order, with one number for each button."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self._number = 0

    def head(self, text: str) -> None:
        """A heading."""
        self.blocks.append({"type": "header", "text": {"type": "plain_text", "text": text}})

    def line(self, text: str) -> None:
        """A grey line."""
        self.blocks.append(context(text))

    def lines(self, texts: list[str], none: str) -> None:
        """A paragraph of lines, cut where it is too long; or that there is none."""
        more = [f"… and {len(texts) - SHOWN} more"] if len(texts) > SHOWN else []
        self.blocks.append(section(cut("\n".join([*texts[:SHOWN], *more]), 2900)) if texts else context(none))

    def card(self, shown: Drawn, found: list[Button]) -> None:
        """A whole card, word for word (what is bound into its digest is shown), with its buttons numbered for here."""
        self.blocks += [block for block in shown.blocks if block["type"] != "actions"]
        self.entry("", found)

    def entry(self, text: str, found: list[Button]) -> None:
        """A paragraph with its buttons."""
        if text:
            self.blocks.append(section(text))
        self.blocks += buttons(found, first=self._number)
        self._number += len(found)


def _layers(around: Around, name: str, who: tuple[str, ...], at: datetime) -> str:
    """`*Payments*: 1. Ben · 2. Chi _(as of 14:02)_`"""
    return f"*{escape(name)}*: {person(' · '.join(who), 300)} _(as of {around.at(at)})_"


def _role(around: Around, name: str) -> str:
    role = around.policy.roles.get(name)
    return role.title if role else name


def _incident(around: Around, one: Incident, *, long: bool = False) -> str:
    known = list(around.policy.severities)
    dot = DOTS[min(known.index(one.severity), 3)] if one.severity in known else "⚪"
    title = "restricted" if one.private else person(one.title, 100)
    where = f" · <#{one.channel}>" if one.channel else ""
    since = f" · _{one.status}_ since {around.at(one.declared_at)} UTC" if long else ""
    return f"{dot} *{one.id} · {escape(one.severity)} · {title}*{since}{where}"
