"""`/incident deploys`: what changed lately."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from commands.command import Button, Call, Reply, command
from commands.fields import Arg
from commands.house import House
from commands.places import InIncident, visible
from commands.words import clock, esc, lines, safe
from playbooks.engine.dry_run import DryRun
from playbooks.errors import MusterError, Refused
from storage import incidents, runs
from storage.db import Tx
from storage.inbox import Ask
from storage.runs import Run

PLAYBOOK = "assess/deploys"
LATELY, MOST = timedelta(days=7), 5


@command(
    "incident deploys",
    who="plan",
    group="Look",
    place="incident",
    examples=("incident deploys", "incident deploys checkout"),
)
class Deploys(InIncident):
    """Show what was deployed lately to the service that is hit

    Revisions as Kubernetes keeps them, and what Muster itself ran for the service in a week. Changes nothing.
    """

    service: Annotated[str, Arg("service", "whose; the incident's when left out")] = ""

    async def before(self, ask: Ask, house: House) -> DryRun | str:
        """Look outside, by the reading step of assess/deploys; or why that could not be."""

        def whose(tx: Tx) -> tuple[str, str | None]:
            here = incidents.by_channel(tx, ask.channel) if ask.channel else None
            found = incidents.get(tx, self.incident) if self.incident else here
            return self.service or (found.service if found else None) or "", found.id if found else None

        name, incident = await house.db.read(whose)
        known = house.policy.services.get(name)
        if known is None or known.kubernetes is None:
            return ""
        try:
            return await house.engine.dry_run(house.library.find(PLAYBOOK), {"service": name}, incident)
        except MusterError as error:
            return error.message

    def act(self, call: Call, seen: DryRun | str) -> Reply:
        """Words for what was seen, then what the record knows."""
        name = self.service or call.here.service or ""
        if not name:
            raise Refused(
                f"{call.here.id} names no service.", todo=f"Name it: `/incident deploys {call.here.id} checkout`."
            )
        steps = [] if isinstance(seen, str) else seen.steps
        revisions = [part for one in steps if one.state == "ok" for part in one.effect.split(" | ")]
        wrong = [one.error for one in steps if one.state == "refused"] or (
            [seen] if isinstance(seen, str) and seen else []
        )
        none = "" if steps or wrong else "The policy names no Kubernetes deployment for it."
        ours = self._ours(call, name)
        back = Button(
            label="Plan a rollback", line=f"playbook plan kubernetes/roll-back incident={call.here.id} service={name}"
        )
        return Reply(
            text=lines(
                f"*What changed lately: {esc(name)}*",
                *(f"• {safe(one)}" for one in revisions),
                *(f"⚠️ Kubernetes could not be asked: {safe(one)}" for one in wrong),
                none,
                *(f"• {one}" for one in ours),
                "" if ours else "Muster itself ran nothing for it in a week.",
            ),
            ok=not wrong,
            buttons=(back,) if revisions else (),
            data={"service": name, "revisions": revisions},
        )

    def _ours(self, call: Call, name: str) -> list[str]:
        """Runs for the service that people saw, the newest first; none of incidents this person may not know of."""
        tx, said = call.tx, []
        for run in runs.of_service(tx, name, since=tx.now - LATELY):
            owner = incidents.get(tx, run.incident) if run.incident else None
            if run.shown and (owner is None or visible(tx, call.house.policy, owner, call.actor, call.ask.channel)):
                said.append(_said(run, call))
        return said[:MOST]


def _said(run: Run, call: Call) -> str:
    return f"{clock(run.created_at, call.tx.now)} UTC Muster: {esc(run.playbook)} ({run.id}, {run.kind}) _{run.state}_"
