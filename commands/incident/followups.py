"""`/incident followups`: what is to be done so that it does not come again."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from commands import nudging
from commands.command import Button, Call, Reply, command
from commands.fields import Arg
from commands.house import House
from commands.kinds import ME, NOBODY
from commands.places import InIncident
from commands.reaching import look, person_by
from commands.ticketing import ask_for
from commands.timers.telling import write_to
from commands.words import clock, cut, esc, lines
from playbooks.engine import action_items
from playbooks.errors import Refused
from storage import followups, people, post_mortems
from storage.db import Tx
from storage.followups import FollowUp
from storage.inbox import Ask

PAGE, MOST = 15, 20
CHANGES = ("list", "add", "change", "done", "take")


@command(
    "incident followups",
    who="declare",
    group="Clocks and follow-ups",
    place="incident",
    examples=(
        "incident followups",
        "incident followups add alarm on replica lag",
        "incident followups done f1 the alarm is on",
        "incident followups change f1 due=48h Eve is away",
        "incident followups done retrospective",
        "incident followups take",
    ),
)
class Followups(InIncident):
    """List what follows, add to it, change who does it until when, say what is done

    Resolving adds the retrospective where the policy wants one. Whoever has it is reminded in working hours only.
    `take` turns the action items of the post-mortem into follow-ups, each once. Where the policy wants it
    (`review.follow_up_ticket`), each becomes an issue in Jira, and is done when that is.
    """

    change: Annotated[str, Arg("choice", "list, add, change, done or take", choices=CHANGES)] = "list"
    owner: Annotated[str, Arg("person", "who does it; you when left out", keyed=True)] = ""
    due: Annotated[datetime | None, Arg("until", "until when; by policy when left out", keyed=True)] = None
    what: Annotated[str, Arg("rest", "what is to be done; or the name of what is changed or done: f1")] = ""

    async def before(self, ask: Ask, house: House) -> None:
        """Who that is, where nobody has seen them yet."""
        if self.owner not in ("", ME, NOBODY):
            await look(ask, house, self.owner)

    def act(self, call: Call, seen: None) -> Reply:
        """One of the five."""
        if self.change == "add":
            return self._add(call)
        if self.change == "change":
            return self._change(call)
        if self.change == "done":
            return self._done(call)
        if self.change == "take":
            return self._take(call)
        return listed(call)

    def _add(self, call: Call) -> Reply:
        tx, found = call.tx, call.here
        if not self.what:
            raise Refused("Say what is to be done. Nothing was written down.", todo=f"Try `/{self.examples[1]}`")
        if self.owner == NOBODY:
            raise Refused("A follow-up needs an owner. Nothing was written down.", todo="Name them: `owner=@eve`.")
        owner = call.person if self.owner in ("", ME) else person_by(call, self.owner)
        due = self.due or _closing(call)
        made = followups.add(tx, found.id, self.what, by=call.person, owner=owner, due_at=due)
        issue = ask_for(call, found, made)
        _tell(call, made)
        text = lines(f"*{found.id}*, follow-up {made.name}", line(tx, made), issue)
        return Reply(text=text, data={"followup": made.name})

    def _change(self, call: Call) -> Reply:
        """Somebody else, another time, or both; who has it now is told."""
        tx, found = call.tx, call.here
        name, _, reason = self.what.strip().partition(" ")
        if not name or not (self.owner or self.due):
            raise Refused("Say which one, and its new owner or time. Nothing was changed.",
                          todo="`/incident followups change f1 owner=@eve due=48h <reason>`")  # fmt: skip
        if self.owner == NOBODY:
            raise Refused("A follow-up needs an owner. Nothing was changed.", todo="Name them: `owner=@eve`.")
        if self.due and self.due <= tx.now:
            raise Refused("That time is over. Nothing was changed.", todo="Give one to come: `due=48h`.")
        before = followups.get(tx, found.id, name.lower())
        owner = call.person if self.owner == ME else person_by(call, self.owner) if self.owner else ""
        if before is not None:
            owner = owner or before.owner
        now = followups.change(
            tx, found.id, name.lower(), by=call.person, owner=owner,
            due_at=self.due or (before.due_at if before else tx.now), reason=reason.strip(),
        )  # fmt: skip
        if now is None or before is None:
            return Reply(text=f"That is how {esc(name.lower())} of *{found.id}* stands already; nothing was changed.")
        if now.owner != before.owner:
            _tell(call, now)
        there = f"{now.ticket} in Jira stays as it is: change it there." if now.ticket and not now.lost else ""
        return Reply(text=lines(f"*{found.id}*, follow-up {now.name} changed", line(tx, now), there),
                     data={"followup": now.name})  # fmt: skip

    def _take(self, call: Call) -> Reply:
        """Each action item that is no follow-up yet becomes one; who cannot be told apart is not guessed."""
        tx, found = call.tx, call.here
        counts = post_mortems.latest(tx, found.id)
        if counts is None:
            raise Refused("There is no post-mortem yet. Nothing was taken.",
                          todo=f"`/incident postmortem {found.id}` drafts it.")  # fmt: skip
        rows = action_items.items(counts.document.body)
        there = {action_items.same(one.what) for one in followups.of_incident(tx, found.id)}
        fresh = [one for one in rows if action_items.same(one.what) not in there]
        if len(fresh) > MOST:
            raise Refused(f"That is {len(fresh)} action items; at most {MOST} are taken at once. Nothing was taken.",
                          todo="Shorten the list in the post-mortem.")  # fmt: skip
        if not fresh:
            none = "The post-mortem has no action items" if not rows else "Every action item is a follow-up already"
            todo = f"`/incident postmortem {found.id} section={action_items.SECTION}` writes them."
            return Reply(text=f"{none}; nothing was taken. {todo}")
        said, issues = [], []
        for one in fresh:
            owner = _owner(call, one.owner)
            due = nudging.closing_on(call.house.policy, one.due) if one.due else _closing(call)
            made = followups.add(tx, found.id, one.what, by=call.person, owner=owner or call.person, due_at=due)
            issues.append(ask_for(call, found, made))
            _tell(call, made)
            guess = f" (yours: *{esc(cut(one.owner, 60))}* is nobody I can tell)" if one.owner and not owner else ""
            said.append(line(tx, made) + guess)
        return Reply(text=lines(f"*{found.id}*: {len(said)} follow-ups taken", *said, *_told(issues)))

    def _done(self, call: Call) -> Reply:
        name, _, reason = self.what.strip().partition(" ")
        if not name:
            raise Refused("Which one? Nothing was changed.", todo="`/incident followups` lists them.")
        seq = followups.done(call.tx, call.here.id, name.lower(), by=call.person, reason=reason.strip())
        one = followups.get(call.tx, call.here.id, name.lower())
        there = f" {one.ticket} in Jira stays as it is: close it there." if one and one.ticket and not one.lost else ""
        text = f"☑️ *{call.here.id}*: {esc(name.lower())} is done (event {seq}).{there}"
        return Reply(text=text, data={"event": seq})


def _closing(call: Call) -> datetime:
    severity = call.house.policy.severities.get(call.here.severity)
    days = severity.review.follow_up_business_days if severity else 10
    return nudging.closing_of(call.house.policy, days, call.tx.now)


def _owner(call: Call, words: str) -> str | None:
    """Who that is: one mentioned, or the only one of that name; None: nobody, or more than one."""
    mention = re.fullmatch(r"<@(\w+)(?:\|[^>]*)?>", words)
    if mention:
        return call.house.directory.person_by_slack(call.tx, mention[1])
    named = people.named(call.tx, words.removeprefix("@")) if words else []
    return named[0] if len(named) == 1 else None


def _tell(call: Call, one: FollowUp) -> None:
    """Whoever has it now hears of it, unless they said so themselves. In a drill nobody is written to."""
    if one.owner != call.person and call.here.kind != "drill":
        text = lines(f"📌 *{one.incident}*: to be done after it, by you", line(call.tx, one))
        write_to(call.tx, one.owner, Reply(text=text, buttons=tuple(buttons([one]))), key=f"{one.id}:{call.ask.key}")


def _told(issues: Sequence[str]) -> list[str]:
    """What is said of issues, once."""
    going = [one for one in issues if one.startswith("Its issue")]
    wrong = [one for one in issues if one and one not in going]
    return [*([f"{len(going)} issues in Jira are being made."] if going else []), *wrong]


def listed(call: Call) -> Reply:
    """All of them, what is open first, with a button each."""
    mine = followups.of_incident(call.tx, call.here.id)
    waits = [one for one in mine if one.open]
    shown = [*waits, *(one for one in mine if not one.open)][:PAGE]
    more = f"… and {len(mine) - PAGE} more." if len(mine) > PAGE else ""
    none = "" if mine else "Nothing yet: `/incident followups add <what>`."
    text = lines(f"*Follow-ups of {call.here.id}*", *(line(call.tx, one) for one in shown), more, none)
    return Reply(text=text, buttons=tuple(buttons(waits[:8])), data={"followups": [_data(one) for one in mine]})


def line(tx: Tx, one: FollowUp) -> str:
    """`☐ *f1* alarm on replica lag · *Ben* · due *4 Dec 17:00 UTC*`"""
    what = esc(cut(" ".join(one.what.split()), 300))
    issue = f" · <{one.ticket_url}|{one.ticket}>" if one.ticket else ""
    if one.done_at:
        by = "in Jira" if one.done_by == "muster" else f"by *{esc(people.name(tx, one.done_by or ''))}*"
        return f"☑️ *{one.name}* ~{what}~ · done {by} {clock(one.done_at, tx.now)}{issue}"
    issue += " ⚠️ not shown by Jira any more" if one.lost else ""
    late = " ⚠️ overdue" if one.due_at < tx.now else ""
    owner, due = esc(people.name(tx, one.owner)), clock(one.due_at, tx.now)
    return f"☐ *{one.name}* {what} · *{owner}* · due *{due} UTC*{late}{issue}"


def buttons(mine: Sequence[FollowUp]) -> list[Button]:
    """Done, for each that waits."""
    return [Button(label=f"Done {one.name}", line=f"incident followups {one.incident} done {one.name}") for one in mine]


def _data(one: FollowUp) -> dict[str, str | bool]:
    due = one.due_at.isoformat()
    return {"name": one.name, "what": one.what, "due_at": due, "open": one.open, "ticket": one.ticket}
