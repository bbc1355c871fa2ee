"""Telling those who follow an incident that it changed, whichever command changed it.

Belongs here: what changed in words, one direct message each. Does not belong here: who follows (storage/standing.py).
Called once by dispatch, after the command, with the incident as it was before.
"""

from __future__ import annotations

from commands.command import Button, Call, Reply
from commands.places import visible
from commands.timers.telling import write_to
from commands.words import channel_of, cut, esc, name_of
from storage import incidents, people, standing
from storage.incidents import Incident


def tell_followers(call: Call, before: Incident | None) -> None:
    """Nothing where nothing changed that people follow; whoever did it is not told."""
    now = incidents.get(call.tx, before.id) if before else None
    if before is None or now is None or now.revision == before.revision or now.kind == "drill":
        return
    told = [one for one in standing.followers(now) if one != call.actor.person and _may_know(call, now, one)]
    said = changes(before, now) if told else []
    if not said:
        return
    by = f" by {esc(call.actor.name)}" if call.actor.name else ""
    text = "\n".join([f"🔔 {name_of(now)}{by} · {channel_of(now)}", *said])
    stop = Button(label="Unsubscribe", line=f"incident unsubscribe {now.id}")
    for person in told:
        write_to(call.tx, person, Reply(text=text, buttons=(stop,)), key=f"follow:{now.id}:{call.ask.key}:{person}")


def _may_know(call: Call, now: Incident, person: str) -> bool:
    """Whether they may see a private one now: that is decided when they are told, not when they began to follow."""
    if not now.private:
        return True
    policy = call.house.policy
    mine = people.accounts_of(call.tx, person, "slack")
    seen_as = [call.house.directory.actor(call.tx, "slack", one.id, policy) for one in mine]
    return any(visible(call.tx, policy, now, one, None) for one in seen_as)


def changes(before: Incident, now: Incident) -> list[str]:
    """What people who follow it want to know, one line each."""
    said = []
    if now.status != before.status:
        said.append(f"It is *{now.status}* now (was {before.status}).")
    if now.severity != before.severity:
        said.append(f"It is *{now.severity}* now (was {before.severity}).")
    if now.latest_update_at != before.latest_update_at and now.latest_update:
        said.append(f"> {esc(cut(' '.join(now.latest_update.split()), 600))}")
    if now.resolution and now.resolution != before.resolution:
        said.append(f"> {esc(cut(' '.join(now.resolution.split()), 300))}")
    return said
