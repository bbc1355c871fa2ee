"""`/playbook review`: a second person's look at what one person decided alone."""

from __future__ import annotations

from typing import Annotated, Literal, cast

from commands.command import Call, Reply, command
from commands.fields import Arg
from commands.house import House
from commands.places import run_for
from commands.runs import OfRun, proof, reply
from playbooks.engine import reviewing
from playbooks.policy import ApprovalRule
from storage import reviews, runs
from storage.db import Tx
from storage.inbox import Ask
from storage.runs import Run


@command(
    "playbook review",
    who="anyone",  # the engine decides who is a second person, and records whoever tried
    group="Approve",
    place="here",
    examples=("playbook review INC-42/2 accept", "playbook review INC-42/2 object the replica was behind"),
)
class Review(OfRun):
    """Review what one person decided alone: accept it, or object with a reason"""

    verdict: Annotated[str, Arg("choice", "what you think of it", choices=("accept", "object"))]
    reason: Annotated[str, Arg("rest", "why; an objection needs it")] = ""

    async def before(self, ask: Ask, house: House) -> None:
        """Look at the reviewer and at the groups that count for them."""
        groups = await house.db.read(lambda tx: _groups(tx, self.run))
        more = house.policy.permissions.administer
        await house.directory.refresh_for_vote(house.policy, [*groups, *more], (ask.account_kind, ask.account))

    def act(self, call: Call, seen: None) -> Reply:
        """Accepted, objected or refused, it is on the timeline."""

        def waits(run: Run) -> bool:
            return any(one.state == "open" for one in reviews.of_run(call.tx, run.id))

        run = run_for(call, self.run, waits, "waits for a review")
        said = reviewing.review(
            call.tx, call.house.engine, run=run.id, actor=call.actor,
            verdict=cast(Literal["accept", "object"], self.verdict), reason=self.reason, via=proof(call.ask),
        )  # fmt: skip
        return reply(said)


def _groups(tx: Tx, run: str) -> list[str]:
    """The groups of the rule under which it was asked."""
    found = reviews.of_run(tx, run)
    asked = runs.approval(tx, found[0].approval) if found else None
    rule = ApprovalRule.model_validate(asked.rule) if asked else None
    return [*rule.from_, *(group for group, _ in rule.groups)] if rule else []
