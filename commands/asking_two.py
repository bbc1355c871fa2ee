"""Asking for what takes two people on the record: the look at people before, and the answer after.

Belongs here: what those commands share. Does not belong here: any of them (commands/incident/{redact,hold,release}.py,
commands/playbook/{erase,escrow,auditor}.py), who counts (playbooks/engine), confirming (commands/playbook/confirm.py).
"""

from __future__ import annotations

from commands.command import Button, Call, Reply
from commands.house import House
from commands.kinds import ME
from commands.words import clock, esc, lines
from playbooks.engine.deciding import stands, title
from playbooks.errors import Refused
from storage.decisions import OPEN, Decision
from storage.inbox import Ask


async def look(ask: Ask, house: House) -> None:
    """Look at who asks and at the groups that decide: whoever asks is counted on rows."""
    groups = dict.fromkeys([*house.policy.approvals.from_, *house.policy.permissions.administer])
    await house.directory.refresh_for_vote(house.policy, list(groups), (ask.account_kind, ask.account), [])


def asked(call: Call, made: Decision) -> Reply:
    """How it stands: who asked may be one of the two, and then one more is needed."""
    text = f"⚖️ *{made.id}* {esc(title(made))}."
    data = {"decision": made.id, "state": made.state}
    if made.state != OPEN:
        return Reply(text=f"{text} It is {made.state}.", data=data)
    now = stands(call.tx, made, showing=True)
    missing = now.tally.missing
    far = f"{missing} more of {len(now.tally.slots)} must confirm" if missing else "An administrator must confirm"
    until = clock(made.expires_at, call.tx.now)
    press = Button(label="Confirm", line=f"playbook confirm {made.id} digest={made.digest[:12]}", style="primary")
    todo = f"{far} until {until} UTC: `/playbook confirm {made.id}`. Nothing is done before."
    return Reply(text=lines(text, todo), buttons=(press,) if missing > 1 else (), data=data)


def person_of(call: Call, said: str) -> str:
    """The person of an argument of kind "anybody": a mention, `me`, or the id on timelines (P-…). Raises Refused."""
    if said == ME:
        return call.person
    if said.startswith("P-"):
        return said
    found = call.house.directory.person_by_slack(call.tx, said)
    if found is None:
        raise Refused(
            f"<@{said}> is nobody Muster knows. Nothing was asked for.",
            todo="Type @ and pick the name from Slack's list, or give the id that timelines show (P-…).",
        )
    return found
