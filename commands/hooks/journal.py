"""A declare that was made blind becomes an incident: with a number, its page's key, its times, marked as imported.

Belongs here: one ask of kind "journal" inside its transaction. Does not belong here: the effects (bot/blind.py), the
file (storage/journal.py). values: ask (as it was typed), lines, replica, intact, page (what PagerDuty shows of it).

Exactly once: the ask's key is the declare's. Should the database have kept the ask that was answered as not stored, it
is settled here, in the same transaction; where it was handled already, its incident gets the lines.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from commands.command import Call, Reply
from commands.fields import parse
from commands.incident.declare import Blind, Declare
from commands.starting import try_start
from commands.timers import settle
from commands.words import clock, lines, name_of
from storage import cards, inbox, journal
from storage.inbox import Ask
from storage.incidents import Incident
from storage.journal import Line


def made_effects(values: Mapping[str, Any]) -> bool:
    """Whether anything was tried outside: then it is on the record, whoever asked."""
    return any(str(line["type"]).partition(".")[0] in journal.EFFECTS for line in values["lines"])


def turned_away(values: Mapping[str, Any]) -> str:
    """Why whoever declared was refused already, on Slack's word; "" where they were not."""
    said = (str(line["body"].get("error") or "") for line in values["lines"] if line["type"] == "refused")
    return next(said, "")


def act(call: Call) -> Reply:
    """The incident, its run, and the answer to whoever declared it."""
    values = call.ask.values
    asked = Ask(**values["ask"])
    known = _handled(call, asked)
    if known:
        journal.record(call.tx, known, values)
        return Reply(
            text=f"⚠️ *{known}* was declared from `/{asked.line[:120]}` all the same: the database had kept it although "
            "it did not answer in time. The blind page may have rung a second time; both are on its timeline.",
            ok=False, data={"incident": known},
        )  # fmt: skip
    command = parse(Declare, asked.line.split(maxsplit=2)[2] if len(asked.line.split()) > 2 else "",
                    policy=call.house.policy, now=call.tx.now, values=asked.values or None)  # fmt: skip
    page, tell = _last(values, "page"), _last(values, "tell")
    said = [Line(**one) for one in values["lines"]]
    blind = Blind(at=min(said[0].when, call.tx.now), facts=_facts(page, values.get("page") or {}))
    typed = replace(call, ask=replace(call.ask, channel=asked.channel))
    found, reply = command.open(typed, blind)
    journal.record(call.tx, found.id, values)
    _told(typed, found, tell, blind)
    at = clock(said[0].when, call.tx.now)
    head = f"✅ The database is back: what you declared blind at {at} UTC is {name_of(found)}."
    return reply.model_copy(update={"text": lines(head, reply.text)})


def _handled(call: Call, asked: Ask) -> str | None:
    """The incident of the ask that was answered as not stored, if it was stored and handled. Else it never will be."""
    if inbox.state(call.tx, asked.key) in ("received", "claimed"):
        inbox.settle(call.tx, asked.key, "refused", error="declared blind")
        return None
    return journal.made_by(call.tx, asked.key)


def _facts(page: Mapping[str, Any] | None, seen: Mapping[str, Any]) -> dict[str, Any]:
    """The page's key stays the incident's; `paged_blind` keeps the playbook from paging again.

    Paged is what PagerDuty shows; where nobody could look, what the journal says. What may not have arrived is paged by
    the playbook under the same key: PagerDuty removes the double.
    """
    if page is None or page["type"] == "page.failed":
        return {}
    facts: dict[str, Any] = {"page_key": str(page["body"]["key"])}
    if seen.get("found"):
        state = "closed" if seen.get("status") == "resolved" else "open"
        facts |= {"page": seen["id"], "page_url": seen["url"], "paged_blind": state}
    elif not seen and page["type"] == "page.done":
        facts["paged_blind"] = "open"
    return facts


def _last(values: Mapping[str, Any], effect: str) -> Mapping[str, Any] | None:
    mine = [line for line in values["lines"] if str(line["type"]).startswith(f"{effect}.")]
    return mine[-1] if mine else None


def _told(call: Call, found: Incident, tell: Mapping[str, Any] | None, blind: Blind) -> None:
    """The blind message becomes the announcement, and a new one says so: an edit wakes nobody."""
    if tell is None or found.private or tell["type"] == "tell.failed":
        return
    body = tell["body"]
    cards.adopt(call.tx, "announcement", found.id, channel=str(body["channel"]), key=str(body["key"]))
    if tell["type"] == "tell.done" and blind.at is not None:
        given = {"channel": str(body["channel"]), "at": clock(blind.at, call.tx.now)}
        run, _ = try_start(call, "declare/imported", given, found)
        if run:
            settle.arm(call.tx, run, quiet=True)
