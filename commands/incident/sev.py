"""`/incident sev`: how bad it is, as known now. Raising it does what declaring it so would have done; lowering stops
nothing: whoever was woken, invited or told stays so, and what was promised stays due when it was promised."""

from __future__ import annotations

from typing import Annotated

from commands.by_hand import call_by_hand
from commands.cadence import cadence_of
from commands.command import Call, Reply, command
from commands.fields import Arg
from commands.places import InIncident, bare
from commands.starting import try_start
from commands.timers import customer_mail, settle
from commands.timers import role as role_timer
from commands.words import clock, dot, lines, safe
from playbooks.durations import words as length_words
from playbooks.policy import Policy, Severity
from storage import cards, incidents, timers
from storage.inbox import Ask
from storage.incidents import Incident


@command(
    "incident sev",
    who="declare",
    group="While it goes on",
    place="incident",
    examples=("incident sev sev2 only one shop is hit",),
)
class Sev(InIncident):
    """Change the severity, with the reason"""

    severity: Annotated[str, Arg("severity", "how bad it is now")]
    reason: Annotated[str, Arg("rest", "why")] = ""

    @classmethod
    def form(cls, ask: Ask) -> bool:
        """`/incident sev` alone."""
        return bare(ask)

    def act(self, call: Call, seen: None) -> Reply:
        """The clocks of the new severity count from now; one that runs is never put off."""
        before, policy = call.here, call.house.policy
        found = incidents.set_severity(call.tx, before.id, self.severity, by=call.person, reason=self.reason)
        severity = policy.severity(found.severity)
        raised = worse(policy, found.severity, before.severity)
        said = self.clocks(call, found, severity, calls=raised)
        if raised:
            said += self.raised(call, found, severity)
        mark = dot(policy, found.severity)
        return Reply(text=lines(f"{mark} *{found.id}* is *{found.severity}* now (was {before.severity}).", *said))

    def clocks(self, call: Call, found: Incident, severity: Severity, *, calls: bool = True) -> list[str]:
        """Those of this severity, counted from now where none of them runs that is due earlier; what to say of them.

        calls: somebody is paged now, so that the clock of the acknowledgement starts where none runs.
        """
        tx = call.tx
        said = self._next_update(call, found, severity)
        customer_mail.arm(tx, call.house.policy, found)
        role_timer.arm(tx, found, severity)
        pages = calls and severity.page_within is not None
        if pages and severity.acknowledge_within and found.acknowledged_at is None:
            timers.sooner(tx, "acknowledge", found.id, tx.now + severity.acknowledge_within)
        return said

    def _next_update(self, call: Call, found: Incident, severity: Severity) -> list[str]:
        """People were told when they hear from us next: that time only moves forward."""
        now, promised = call.tx.now, found.update_due_at
        cadence = cadence_of(severity, private=found.private)
        every = f"every {length_words(cadence)}" if cadence else "none is due"
        if cadence and (promised is None or now + cadence < promised):
            incidents.set_update_due(call.tx, found.id, now + cadence)
            return [f"Next update due *{clock(now + cadence, now)} UTC* ({every})."]
        return [f"Next update stays due *{clock(promised, now)} UTC*; after it {every}."] if promised else []

    def raised(self, call: Call, found: Incident, severity: Severity, *, anew: bool = False) -> list[str]:
        """The run that pages, invites and publishes what the new severity asks for; what is done already stays once.

        anew: its page was resolved, so that the on-call is called again.
        """
        if severity.status_page.mode == "draft" and not found.private:
            cards.want(call.tx, "status_page", found.id, found.id)
        run, problem = try_start(call, "sev/raise", {}, found)
        pages = severity.page_within is not None
        if run:
            settle.arm(call.tx, run)
            again = found.facts.get("page_key") and not anew
            return ["The page says so too." if again else "The on-call is being paged."] if pages else []
        by_hand = call_by_hand(call.house.policy, found.service) if pages else ""
        return [f"⚠️ {'*Nobody was paged for it*' if pages else 'Nobody was invited'}: {safe(problem)} {by_hand}"]


def worse(policy: Policy, now: str, before: str) -> bool:
    """Whether one severity is worse than another: the policy names the worst first."""
    names = list(policy.severities)
    return now in names and (before not in names or names.index(now) < names.index(before))
