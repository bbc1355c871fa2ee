"""`/playbook status`: the runs of an incident, or one of them step by step."""

from __future__ import annotations

from typing import Annotated

from commands.command import Call, Reply, command
from commands.fields import Arg
from commands.places import going_on
from commands.runs import OfRun, chosen
from commands.words import clock, cut, esc, lasted, lines, safe
from playbooks.errors import Refused
from storage import runs
from storage.runs import Run, Step

MARKS = {
    "succeeded": "✅", "failed": "❌", "uncertain": "❓", "unknown": "❓", "asking": "❓", "skipped": "⚪",
    "aborted": "⏹", "held": "🔐", "started": "⏳", "parked": "⏳", "done": "⏳",
}  # fmt: skip


@command("playbook status", group="Look", place="here", examples=("playbook status", "playbook status INC-42/2"))
class Status(OfRun):
    """Show the runs of this incident, or one run step by step"""

    incident: Annotated[str, Arg("incident", "INC-42, when asked outside its channel")] = ""

    def act(self, call: Call, seen: None) -> Reply:
        """From rows, as the run's card."""
        if self.run:
            return Reply(text=_one(call, chosen(call, self.run)))
        if call.incident is None:
            raise Refused("The runs of which incident?", todo="Try `/playbook status INC-42`")
        mine = [run for run in runs.of_incident(call.tx, call.incident.id) if run.shown]
        data = {"runs": [run.id for run in mine]}
        if len(mine) == 1:
            return Reply(text=_one(call, mine[0]), data=data)
        listed = [_line(call, run) for run in mine]
        return Reply(
            text="\n".join(listed) or f"*{call.incident.id}* has no runs yet. `/playbook list` shows what can run.",
            data=data,
        )


def _line(call: Call, run: Run) -> str:
    who = esc(call.house.directory.name(call.tx, run.requester))
    why = f": {safe(cut(run.reason, 150))}" if run.reason else ""
    return (
        f"*{run.id}* {esc(run.playbook)} · *{run.state}*{why} · asked by {who} {clock(run.created_at, call.tx.now)} UTC"
    )


def _one(call: Call, run: Run) -> str:
    steps = [_step(step) for step in runs.steps_of(call.tx, run.id)]
    return lines(_line(call, run), *steps, _waiting(call, run))


def _waiting(call: Call, run: Run) -> str:
    """🔐 waits for approval until 14:22 UTC: approved by Ben (1 of 2)"""
    asked = runs.open_approval(call.tx, run.id) if going_on(run) else None
    if asked is None:
        return ""
    votes = [vote for vote in runs.votes_on(call.tx, asked.id) if vote.choice == "approve"]
    names = ", ".join(esc(call.house.directory.name(call.tx, vote.person)) for vote in votes) or "—"
    until = clock(asked.expires_at, call.tx.now)
    count = f"{len(votes)} of {asked.rule.get('people', 2)}"
    return f"🔐 waits for approval until *{until} UTC*: approved by {names} ({count}) · `sha256:{asked.digest[:12]}…`"


def _step(step: Step) -> str:
    took = f" ({lasted(step.ended_at - step.started_at)})" if step.ended_at and step.started_at else ""
    words = step.error if step.state in ("failed", "uncertain", "unknown", "asking") else step.note
    said = f": {safe(cut(words, 200))}" if words else ""
    return f"{MARKS.get(step.state, '○')} {step.idx} {esc(step.uses)}{took}{said}"
