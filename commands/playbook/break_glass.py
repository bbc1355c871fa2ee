"""`/playbook break-glass`: one person lets a held step start, and says which rules that sets aside and why."""

from __future__ import annotations

import re
from typing import Annotated, ClassVar

from commands.command import Button, Call, Reply, command
from commands.fields import Arg, line_of
from commands.house import House
from commands.kinds import looks
from commands.runs import OfRun, proof, reply, waiting
from commands.voting import refresh
from playbooks.engine.breaking import break_glass, refuse_decision, usual
from playbooks.policy import ApprovalRule
from storage.inbox import Ask
from storage.runs import Approval

LABEL = "Break glass"
_DECISION = re.compile(r"d-\d{1,6}\b", re.IGNORECASE)


@command(
    "playbook break-glass",
    who="anyone",  # the engine decides who may, and records whoever tried
    group="Approve",
    fresh=True,
    place="here",
    examples=("playbook break-glass INC-42/2 rules=people code=123456 checkout is down and nobody else answers",),
)
class BreakGlass(OfRun):
    """Start a held step on your word alone, when the quorum cannot be reached

    One effect, for minutes, told to everyone who may approve and to the administrators, reviewed by a second person.
    It never changes who approves, the policy or the record.
    """

    proves: ClassVar[bool] = True
    digest: Annotated[str, Arg("digest", "what the card was bound to")] = ""
    rules: Annotated[str, Arg("word", "what you set aside: people, groups, from, requester, member_age, "
                                      "directory_max_age; the button has named what is in the way now",
                              keyed=True)] = ""  # fmt: skip
    code: Annotated[str, Arg("code", "your one-time code", keyed=True)] = ""
    reason: Annotated[str, Arg("rest", "why it cannot wait for the quorum")] = ""

    @classmethod
    def form(cls, ask: Ask) -> bool:
        """Without a reason it asks for it, and for the code."""
        words = [word for word in ask.line.split()[2:] if "=" not in word]
        return not [word for word in words if not looks("run", word) and not looks("digest", word)]

    async def before(self, ask: Ask, house: House) -> None:
        """Look at who asks and at the groups of the rule, and at those who may break the glass."""
        policy = house.policy
        more = [*policy.approvals.break_glass.who, *policy.permissions.administer]
        await refresh(ask, house, self.run, more)

    def act(self, call: Call, seen: None) -> Reply:
        """Granted or refused, it is on the timeline."""
        if not self.run and (named := _DECISION.match(self.reason)):
            said = refuse_decision(
                call.tx, decision=named[0].upper(), actor=call.actor, via=proof(call.ask), reason=self.reason
            )
            return reply(said)
        run = waiting(call, self.run)
        said = break_glass(
            call.tx, call.house.engine, run=run.id, digest=self.digest or None, actor=call.actor, reason=self.reason,
            rules_named=[word for word in re.split(r"[,\s]+", self.rules.lower().replace("-", "_")) if word],
            proof=self.code, ask=call.ask.key, via=proof(call.ask),
        )  # fmt: skip
        return reply(said)


def button(asked: Approval) -> Button:
    """What opens the form for this very request, with the rules that are in anybody's way named."""
    rules = ",".join(usual(ApprovalRule.model_validate(asked.rule)))
    return Button(
        label=LABEL, line=line_of(BreakGlass(run=asked.run, digest=asked.digest[:12], rules=rules)), style="danger"
    )
