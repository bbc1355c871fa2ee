"""`/incident level`: which disaster this is, by the levels of the policy."""

from __future__ import annotations

from typing import Annotated

from commands.command import Button, Call, Reply, command
from commands.fields import Arg
from commands.incident.sev import Sev, worse
from commands.kinds import NONE
from commands.places import InIncident, bare
from commands.words import clock, esc, lines
from playbooks.durations import words as length_words
from playbooks.policy import DisasterLevel
from storage import incidents
from storage.inbox import Ask
from storage.levels import set_level


@command(
    "incident level",
    who="disaster",
    group="While it goes on",
    place="incident",
    examples=("incident level regional_outage the whole region is dark", "incident level none it was one rack"),
)
class Level(InIncident):
    """Declare which disaster it is, with the reason (`none` lifts it)

    The policy's `disaster_levels` say what each allows (RTO, RPO), where it is recovered, and its least severity.
    """

    level: Annotated[str, Arg("level", "which disaster; none lifts it")]
    reason: Annotated[str, Arg("rest", "what shows it")]

    @classmethod
    def form(cls, ask: Ask) -> bool:
        """`/incident level` alone."""
        return bare(ask)

    def act(self, call: Call, seen: None) -> Reply:
        """The entry, and the severity raised as `/incident sev` raises it."""
        found, policy = call.here, call.house.policy
        level = None if self.level == NONE else policy.level(self.level)
        was = set_level(call.tx, found.id, level.name if level else None, by=call.person, reason=self.reason)
        if level is None:
            return Reply(text=f"*{found.id}* is no disaster any more (was {esc(was or '')}). Its severity stays "
                              f"*{found.severity}*; `/incident sev` changes it.")  # fmt: skip
        before = f" (was {esc(was)})" if was else ""
        said = [f"🌪️ *{found.id}*: disaster level *{esc(level.title)}*{before}.", self._means(call, level)]
        call.incident = incidents.get(call.tx, found.id)
        if worse(policy, level.severity, call.here.severity):
            raised = Sev(incident=self.incident, severity=level.severity, reason=self.reason).act(call, seen)
            said += raised.text.splitlines()
        names = [f"`/playbook run {name}`" for name in level.playbooks]
        run = f"Run: {', '.join(names)}." if names else "The policy names no playbook for it."
        buttons = tuple(Button(label=f"Plan {name}"[:75], line=f"playbook plan {name}") for name in level.playbooks[:4])
        return Reply(text=lines(*said, run), buttons=buttons, data={"incident": found.id, "level": level.name})

    def _means(self, call: Call, level: DisasterLevel) -> str:
        """RTO until when, RPO, where, and how much of it Muster does."""
        ends = clock((call.here.detected_at or call.here.declared_at) + level.rto, call.tx.now)
        at = esc(level.where(call.house.policy.sites))
        return f"RTO {length_words(level.rto)} (ends *{ends} UTC*), RPO {length_words(level.rpo)}. {at}"
