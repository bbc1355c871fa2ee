"""`/playbook decisions`: what waits for a second person, and what was decided lately."""

from __future__ import annotations

from commands.command import Call, Command, Reply, command
from commands.places import visible
from commands.words import clock, cut, esc
from playbooks.engine.deciding import asker, stands, title
from storage import decisions, incidents
from storage.decisions import OPEN, Decision


@command("playbook decisions", group="Decide", examples=("playbook decisions",))
class Decisions(Command):
    """List what waits for a second person, and what was decided lately"""

    def act(self, call: Call, seen: None) -> Reply:
        """Those of incidents the asker may not see are left out."""
        found = [one for one in decisions.recent(call.tx) if _shown(call, one)]
        if not found:
            return Reply(text="Nothing waits for a second person, and nothing was decided yet.")
        return Reply(text="\n".join(_line(call, one) for one in found), data={"decisions": [one.id for one in found]})


def _shown(call: Call, one: Decision) -> bool:
    incident = incidents.get(call.tx, one.stream)
    return incident is None or visible(call.tx, call.house.policy, incident, call.actor, call.ask.channel)


def _line(call: Call, one: Decision) -> str:
    """⚖️ D-7 what is asked · who asked · how far, or how it ended."""
    what = f"*{one.id}* {esc(cut(title(one), 200))} · asked by {esc(asker(call.tx, one))}"
    now = call.tx.now
    if one.state != OPEN:
        why = f": {esc(cut(one.reason, 120))}" if one.reason else ""
        return f"• {what} · {one.state} {clock(one.decided_at or one.opened_at, now)} UTC{why}"
    tally = stands(call.tx, one, showing=True).tally
    far = f"{len(tally.slots) - tally.missing} of {len(tally.slots)}"
    return f"⚖️ {what} · {far} · until {clock(one.expires_at, now)} UTC: `/playbook confirm {one.id}`"
