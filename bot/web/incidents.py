"""`/incidents`: all of them with filters; `/incidents/INC-42`: the board, approvals, runs, picture and timeline of one.

Belongs here: reading rows for these two pages. Does not belong here: how cards look (bot/render), answering what is
pressed (asking.py). Private incidents are there for those who may know of them; for all others they do not exist.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from aiohttp import web
from markupsafe import Markup

from bot.render import approval, board, html, post_mortem_chart, question, run
from bot.render.facts import Around
from bot.web.asking import Asking, called
from bot.web.site import Visit, number, unchanged
from commands.events import say
from playbooks.policy import Policy
from storage import anchors, cards, incidents, people, runs, timeline
from storage.db import Tx
from storage.incidents import Incident
from storage.runs import Run

PAGE = 50
READ = 500  # rows looked at for one page of matches
EVENTS = 200
OVER = ("succeeded", "skipped", "failed", "uncertain", "aborted")
# What the timeline can be narrowed to: value, words, beginnings of event types.
KINDS = (
    ("", "everything", ()),
    ("people", "what people said and did", ("incident.", "text.", "hold.", "approval.voted", "task.", "review.")),
    ("runs", "runs and steps", ("run.", "step.", "service.")),
    ("approvals", "approvals and reviews", ("approval.", "review.")),
    ("updates", "updates and status", ("incident.update", "incident.status", "incident.severity", "incident.resolved")),
    ("alerts", "pager and clocks", ("alert.", "clock.", "incident.acknowledged")),
)  # fmt: skip


@dataclass(frozen=True)
class Row:
    """A line of the list. rank: place of its severity in the policy, from 1."""

    id: str
    title: str
    private: bool
    kind: str
    severity: str
    rank: int
    status: str
    open: bool
    service: str | None
    declared_at: datetime
    lasted: timedelta
    commander: str | None


class Incidents:
    """The two pages."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking

    async def list(self, visit: Visit) -> web.StreamResponse:
        """GET /incidents?which=open|ended|all&severity=&service=&kind=&words=&older="""
        query, policy = visit.request.query, visit.site.house.policy
        chosen = {name: query.get(name, "") for name in ("which", "severity", "service", "kind", "words", "older")}
        chosen["which"] = chosen["which"] if chosen["which"] in ("ended", "all") else "open"
        filters = (
            ("which", "Show", [("open", "open"), ("ended", "ended"), ("all", "all")]),
            ("severity", "Severity", [("", "any"), *((name, name) for name in policy.severities)]),
            (
                "service",
                "Service",
                [("", "any"), *((name, one.title or name) for name, one in policy.services.items())],
            ),
            ("kind", "Kind", [("", "any"), ("real", "real"), ("drill", "drill")]),
        )
        rows, last = await visit.site.db.read(lambda tx: _rows(tx, visit, chosen))
        more = f"/incidents?{urlencode({**chosen, 'older': last})}" if last else ""
        return visit.site.html(visit, "incidents.html", live="", rows=rows, filters=filters, chosen=chosen, more=more)

    async def show(self, visit: Visit) -> web.StreamResponse:
        """GET /incidents/INC-42?kind=&words=&after=&before="""
        name, query = visit.request.match_info["incident"], visit.request.query
        asks = self._asking.asks(visit, name.upper())
        version = await visit.site.db.read(lambda tx: _version(tx, visit, visit.incident(tx, name)))
        if same := unchanged(visit, version):
            return same
        values = await visit.site.db.read(lambda tx: _page(tx, visit, visit.incident(tx, name), asks, query))
        hidden = html.hidden(asks, "").replace(Markup('name="line" value=""'), Markup('name="typed" value="yes"'))
        return visit.site.html(
            visit, "one_incident.html", live=version, hidden=hidden, kinds=[k[:2] for k in KINDS], **values
        )


def _rows(tx: Tx, visit: Visit, chosen: dict[str, str]) -> tuple[list[Row], int]:
    """The rows that fit, newest first, and the number to go on before (0: there are no more)."""
    policy = visit.site.house.policy
    ranks = {name: number for number, name in enumerate(policy.severities, 1)}
    before = number(chosen["older"]) or None
    found = incidents.latest(tx, limit=READ, before=before)
    shown: list[Incident] = []
    for one in found:
        if len(shown) == PAGE:
            return [_row(tx, one, ranks) for one in shown], shown[-1].number
        if _fits(one, chosen) and visit.sees(tx, one):
            shown.append(one)
    return [_row(tx, one, ranks) for one in shown], found[-1].number if len(found) == READ else 0


def _fits(one: Incident, chosen: dict[str, str]) -> bool:
    if chosen["which"] != "all" and one.open != (chosen["which"] == "open"):
        return False
    for name in ("severity", "service", "kind"):
        if chosen[name] and getattr(one, name) != chosen[name]:
            return False
    words = chosen["words"].lower().split()
    return all(word in f"{one.id} {one.title}".lower() for word in words)


def _row(tx: Tx, one: Incident, ranks: dict[str, int]) -> Row:
    worn = incidents.roles(tx, one.id).get("commander")
    ended = one.resolved_at or (tx.now if one.open else one.declared_at)
    return Row(
        one.id, one.title, one.private, one.kind, one.severity, ranks.get(one.severity, 9), one.status, one.open,
        one.service, one.declared_at, ended - one.declared_at, people.name(tx, worn.person) if worn else None,
    )  # fmt: skip


def _version(tx: Tx, visit: Visit, one: Incident) -> str:
    """What tells two looks at a page apart, without drawing it: events, cards drawn anew, what time alone does."""
    head, drawn = timeline.head(tx, one.id), cards.redraws(tx, one.id)
    return f"{visit.path} {visit.session.id} {head.hash} {drawn} {one.revision} {tx.now:%Y-%m-%d %H:%M}"


def _page(tx: Tx, visit: Visit, one: Incident, asks: html.Asks, query: Any) -> dict[str, Any]:
    """Everything the page of one incident shows, from one snapshot."""
    policy, url = visit.site.house.policy, visit.site.url
    found = board.read(tx, one.id, policy, url)
    assert found is not None
    facts, around = found
    drawn = board.draw(facts, around)
    asked = [approval.read(tx, one_.id, policy, url) for one_ in facts.approvals]
    waiting = [html.card(approval.draw(*each).blocks, asks) for each in asked if each is not None]
    who = called(tx)
    questions = [html.card(question.draw(*each).blocks, asks, who) for each in _questions(tx, facts.runs, policy, url)]
    kind = next((each for each in KINDS if each[0] == query.get("kind", "")), KINDS[0])
    after, before = (number(query.get(name)) for name in ("after", "before"))
    head = timeline.head(tx, one.id)
    words = query.get("words", "").lower().split()
    first = max(after - 1, 0)
    if not (kind[2] or words):  # nothing is left out, so no more is read than is shown
        first = max(first, min(before or head.seq + 1, head.seq + 1) - EVENTS - 2)
    every = timeline.read(tx, one.id, after=first)
    names = _names(tx)
    shown = [
        {"seq": e.seq, "when": e.when, "type": e.type, "said": html.mrkdwn(said),
         "claimed": names(e.claimed_by) if e.claimed_by else ""}
        for e in reversed(every)
        if (not before or e.seq < before) and (not kind[2] or e.type.startswith(kind[2]))
        for said in [say(e, names)] if all(word in said.lower() for word in words)
    ]  # fmt: skip
    older = ""
    if len(shown) > EVENTS:
        older = "?" + urlencode({"kind": kind[0], "words": query.get("words", ""), "before": shown[EVENTS - 1]["seq"]})
    held = anchors.last(tx, one.id)
    return {
        "one": one, "board": html.card(drawn.blocks, asks, who), "approvals": waiting, "questions": questions,
        "runs": [_run(tx, visit, each, asks) for each in reversed(facts.runs)],
        "picture": picture(tx, one.id),
        "events": shown[:EVENTS], "older": older and f"{older}#timeline", "kind": kind[0],
        "words": query.get("words", ""), "after": after, "head": head,
        "anchored": held.seq if held else 0,
    }  # fmt: skip


def _questions(
    tx: Tx, every: Sequence[Run], policy: Policy, url: str
) -> Iterator[tuple[question.QuestionFacts, Around]]:
    """What steps of its runs ask people, as long as an answer counts."""
    for one in every:
        for step in runs.steps_of(tx, one.id):
            found = question.read(tx, f"{one.id}#{step.idx}", policy, url) if step.question else None
            if found is not None and found[0].open:
                yield found


def _run(tx: Tx, visit: Visit, one: Run, asks: html.Asks) -> dict[str, Any]:
    found = run.read(tx, one.id, visit.site.house.policy, visit.site.url)
    assert found is not None
    steps = found[0].steps
    return {
        "id": one.id, "number": one.number, "playbook": one.playbook, "steps": len(steps),
        "over": sum(step.state in OVER for step in steps), "card": html.card(run.draw(*found).blocks, asks),
    }  # fmt: skip


def picture(tx: Tx, incident: str) -> Markup:
    """Key times, each run with its waits for approval, updates, over one axis."""
    found = post_mortem_chart.read(tx, incident)
    return found.svg() if found is not None else Markup("")


def _names(tx: Tx) -> Any:
    known: dict[str, str] = {}

    def name(person: str) -> str:
        if person not in known:
            known[person] = people.name(tx, person)
        return known[person]

    return name
