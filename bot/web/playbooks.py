"""`/playbooks`: all of them; `/playbooks/failover/rds-multi-az`: one as a runbook people read, with its runs.

Belongs here: reading for these two pages. Does not belong here: how a runbook is written (bot/render/runbook.py).
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

from aiohttp import web

from bot.render.facts import took
from bot.render.html import markdown
from bot.render.runbook import head_of, kind_of, runbook
from bot.web.site import Visit, missing
from playbooks.action import Risk, find
from playbooks.engine.library import Library
from playbooks.engine.model import Playbook
from playbooks.errors import Refused
from storage import incidents, people, runs
from storage.db import Tx
from storage.runs import Run


async def index(visit: Visit) -> web.StreamResponse:
    """GET /playbooks?words="""
    library, words = visit.site.house.library, visit.request.query.get("words", "").lower().split()
    folders, problems = await asyncio.to_thread(_folders, library, words)  # the first time it takes seconds
    return visit.site.html(visit, "playbooks.html", folders=folders, words=" ".join(words), problems=problems)


def _folders(library: Library, words: list[str]) -> tuple[dict[str, list[dict[str, str]]], dict[str, str]]:
    """Kind -> the playbooks that have all these words, as lines of a table; and what cannot be read."""
    folders: dict[str, list[dict[str, str]]] = {}
    for name in library.names():
        try:
            one = library.find(name)
        except Refused:
            continue  # `problems` below says so
        when = head_of(one).get("When", one.title)
        if all(word in f"{name} {one.title} {when}".lower() for word in words):
            line = {"name": name, "title": one.title, "when": when, "kind": kind_of(one), "risk": risk_of(one)}
            folders.setdefault(name.partition("/")[0], []).append(line)
    return folders, library.problems()


async def show(visit: Visit) -> web.StreamResponse:
    """GET /playbooks/{name}"""
    name = visit.request.match_info["name"]
    library = visit.site.house.library
    if not library.has(name):
        raise missing("playbook")
    one = library.find(name)
    history = await visit.site.db.read(lambda tx: _history(tx, visit, one))
    return visit.site.html(
        visit, "playbook.html", one=one, runbook=markdown(runbook(one)), history=history, kind=kind_of(one),
        risk=risk_of(one),
    )  # fmt: skip


def risk_of(one: Playbook) -> str:
    """Its highest risk, in a word."""
    risks = [
        max(action.risk if (action := find(s.uses)) else Risk.IRREVERSIBLE, s.risk or Risk.READ) for s in one.steps
    ]
    return max(risks, default=Risk.READ).word


def _history(tx: Tx, visit: Visit, one: Playbook) -> dict[str, Any]:
    """Its runs that this person may know of. rehearsed: the last drill that went through with this very text."""
    shown: list[dict[str, Any]] = []
    rehearsed: datetime | None = None
    for run in runs.of_playbook(tx, one.name):
        owner = incidents.get(tx, run.incident) if run.incident else None
        if owner is not None and not visit.sees(tx, owner):
            continue
        same = run.digest == one.digest
        if same and run.kind == "drill" and run.state == "succeeded":
            rehearsed = max(rehearsed, run.ended_at) if rehearsed and run.ended_at else run.ended_at or rehearsed
        shown.append(_line(tx, run, same))
    return {"runs": shown[:30], "rehearsed": rehearsed}


def _line(tx: Tx, run: Run, same: bool) -> dict[str, Any]:
    lasted = took(run.ended_at - run.created_at) if run.ended_at else ""
    return {
        "id": run.id, "incident": run.incident, "number": run.number, "state": run.state, "kind": run.kind,
        "at": run.created_at, "lasted": lasted, "who": people.name(tx, run.requester), "same": same,
        "service": run.service,
    }  # fmt: skip
