"""Which incident and which run a person means, and whether they may know of it.

Belongs here: the channel's incident, a named one, the only run that fits; who sees private incidents. Does not belong
here: permission to act (dispatch.py).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from commands.command import Actor, Call, Command
from commands.kinds import Arg
from commands.words import cut
from playbooks.errors import Refused
from playbooks.policy import Policy
from storage import incidents, runs
from storage.db import Tx
from storage.inbox import Ask
from storage.incidents import Incident
from storage.runs import Run


class InIncident(Command):
    """Base of commands about one incident: the channel's, or the one named first."""

    incident: Annotated[str, Arg("incident", "INC-42, when asked outside its channel")] = ""


def bare(ask: Ask) -> bool:
    """Whether a line says nothing but its words and perhaps an incident: it may open a form."""
    rest = ask.line.split()[2:]
    return not rest or (len(rest) == 1 and rest[0].upper().removeprefix("INCIDENT=").startswith("INC-"))


ENDED = frozenset({"succeeded", "incomplete", "aborted"})


def visible(tx: Tx, policy: Policy, incident: Incident, actor: Actor, channel: str | None) -> bool:
    """Whether this person may know of it: a public one, asked in its own channel, part of it, or permitted."""
    if not incident.private or (channel and channel == incident.channel):
        return True
    if actor.person is None:
        return False
    allowed = set(policy.permissions.see_private)
    if "everyone" in allowed or allowed & actor.groups:
        return True
    parts = {incident.declared_by, incident.acknowledged_by, *(r.person for r in incidents.roles_of(tx, incident.id))}
    return actor.person in parts


def incident_for(
    tx: Tx,
    policy: Policy,
    actor: Actor,
    channel: str | None,
    *,
    said: str,
    line: str,
    greedy: bool,
    must: bool,
    words: str,
) -> Incident | None:
    """The incident meant: the named one, else the channel's. Raises Refused when it must be one and none is clear.

    greedy: the line also holds free text, so that a leading INC-41 in another incident's channel could be either.
    """
    here = incidents.by_channel(tx, channel) if channel else None
    if said and here and said != here.id and greedy and "incident=" not in line.lower():
        raise Refused(
            f"This is {here.id}'s channel. Is {said} the incident you mean, or part of your text? Nothing was done.",
            todo=f"Write `/{words} incident={said} …` for the other one, or put the text in quotes.",
        )
    found = incidents.get(tx, said) if said else here
    if found is not None and visible(tx, policy, found, actor, channel):
        return found
    if said:
        raise Refused(f"There is no {said}. {_open_ones(tx, policy, actor, channel)}", todo="`/incident list`")
    if must:
        shown = _shown(tx, policy, actor, channel)
        again = _again(words, shown[0].id, line) if shown else ""
        example = f"Try `{again}`" if shown else "`/incident list all` shows the ended ones."
        raise Refused(f"Which incident? {_open_ones(tx, policy, actor, channel)}", todo=example)
    return None


def _again(words: str, id: str, line: str) -> str:
    """What was typed, with the incident: nobody types it twice."""
    rest = " ".join(line.replace("`", "'").split())
    return f"/{words} incident={id} {cut(rest, 300)}" if rest and "incident=" not in rest.lower() else f"/{words} {id}"


def _shown(tx: Tx, policy: Policy, actor: Actor, channel: str | None) -> list[Incident]:
    return [one for one in incidents.open_ones(tx) if visible(tx, policy, one, actor, channel)]


def _open_ones(tx: Tx, policy: Policy, actor: Actor, channel: str | None) -> str:
    shown = _shown(tx, policy, actor, channel)
    named = [f"{one.id} {cut('restricted' if one.private else one.title, 60)}" for one in shown[:5]]
    more = f" and {len(shown) - 5} more" if len(shown) > 5 else ""
    return f"Open ones: {', '.join(named)}{more}." if named else "None is open."


def run_for(call: Call, said: str, fits: Callable[[Run], bool], what: str) -> Run:
    """The run meant: the named one ("INC-42/2", or "/2" in its channel), else the only one that fits.

    what: what fitting runs are, in words ("waits for approval"). Raises Refused naming the choices.
    """
    if said:
        return _named(call, said)
    if call.incident is None:
        shown = _shown(call.tx, call.house.policy, call.actor, call.ask.channel)
        raise Refused(
            f"Which run? This is no incident's channel. "
            f"{_open_ones(call.tx, call.house.policy, call.actor, call.ask.channel)}",
            todo=f"`/playbook status {shown[0].id if shown else 'INC-42'}` lists its runs; then name one, such as "
            f"`{shown[0].id if shown else 'INC-42'}/2`.",
        )
    mine = runs.of_incident(call.tx, call.incident.id)
    found = [run for run in mine if run.shown and fits(run)] or [run for run in mine if fits(run)]
    if len(found) == 1:
        return found[0]
    if not found:
        raise Refused(f"No run of {call.incident.id} {what}.", todo="`/playbook status` lists its runs.")
    named = ", ".join(f"{run.id} {run.playbook} ({run.state})" for run in found[:6])
    raise Refused(f"Which run? {named}.", todo=f"Name it: `{found[0].id}`.")


def _named(call: Call, said: str) -> Run:
    if said.startswith("/"):
        if call.incident is None:
            raise Refused(f"Run {said} of which incident?", todo=f"Write it whole: `INC-42{said}`.")
        said = f"{call.incident.id}{said}"
    run = runs.get(call.tx, said)
    owner = incidents.get(call.tx, run.incident) if run and run.incident else None
    hidden = owner and not visible(call.tx, call.house.policy, owner, call.actor, call.ask.channel)
    if run is None or hidden:
        raise Refused(f"There is no run *{said}*.", todo="`/playbook status` in its channel lists them.")
    return run


def going_on(run: Run) -> bool:
    """Whether it has not ended."""
    return run.state not in ENDED
