"""Timers that went off: which handler acts on which kind, and what one of them reads before its transaction.

Belongs here: that table. Does not belong here: any handler (commands/timers), settling the ask (dispatch.py), setting
timers (whoever wants to be woken).
"""

from __future__ import annotations

from commands.house import House
from commands.timers import (
    acknowledge,
    anchor,
    anchored,
    answered,
    approvers,
    archive,
    customer_mail,
    decision,
    eta,
    followup,
    quorum_check,
    review,
    role,
    settle,
    task,
    ticketed,
    tickets,
    update,
)
from commands.timers import clock as legal_clock
from storage.inbox import Ask

TIMERS = {
    "update": update.act, "acknowledge": acknowledge.act, "settle": settle.act, "answered": answered.act,
    "decision": decision.act, "anchor": anchor.act, "anchored": anchored.act,
    "approvers": approvers.act, "review": review.act, quorum_check.KIND: quorum_check.act,
    customer_mail.KIND: customer_mail.act, "task": task.act,
    "clock": legal_clock.act, "followup": followup.act, "eta": eta.act,
    role.KIND: role.act, "archive": archive.act, tickets.KIND: tickets.act, ticketed.KIND: ticketed.act,
}  # fmt: skip


def named(ask: Ask) -> tuple[str, str]:
    """Kind and subject of a timer: ("task", "INC-42/3")."""
    kind, _, subject = ask.line.removeprefix("timer ").strip().partition(" ")
    return kind, subject.strip()


async def before_timer(house: House, ask: Ask) -> None:
    """Whatever takes long and needs no transaction."""
    if named(ask)[0] == quorum_check.KIND:
        await quorum_check.before(house)
