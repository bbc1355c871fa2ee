"""An approval is still open: the next group is called. Where nobody could complete it, whoever asked hears so at once.

Belongs here: that answer, with the way out. Does not belong here: whom to call (playbooks/engine/paging.py).
"""

from __future__ import annotations

from commands.command import Reply
from commands.house import House
from commands.playbook import break_glass
from commands.words import lines, safe
from playbooks.engine import paging
from playbooks.engine.breaking import usual
from playbooks.engine.quorum import rule_of
from storage import inbox, replies, runs
from storage.db import Tx
from storage.inbox import Ask
from storage.runs import Approval, Run


def act(tx: Tx, house: House, ask: Ask, subject: str) -> None:
    """subject: the approval. The ask's value `rung`: 0 tells the asker, from 1 on it calls."""
    rung = int(ask.values.get("rung") or 0)
    if rung:
        paging.next_call(tx, house.engine.house, subject, rung)
        return
    asked = runs.approval(tx, subject)
    run = runs.get(tx, asked.run) if asked else None
    if asked is None or run is None or asked.state != "open":
        return
    _tell(tx, run, asked)
    paging.wind(tx, rule_of(asked), asked.id, tx.now, asked.expires_at, 1)


def _tell(tx: Tx, run: Run, asked: Approval) -> None:
    """The direct answer to whoever asked: it cannot be completed as things are, and what they can do."""
    origin = inbox.get(tx, run.ask or "")
    if origin is None or origin.account_kind not in ("slack", "cli"):
        return
    reply = Reply(
        text=lines(
            f"⚠️ *{run.id}* waits for approval, but nobody can complete it now. {safe(asked.reason or '')}",
            "Get more people into the group, or wait until they count. One person can break the glass: with a reason, "
            "a one-time code and the rules named; everyone is told and it is reviewed.",
            f"`/playbook break-glass {run.id} rules={','.join(usual(rule_of(asked)))} code=… <reason>`",
        ),
        ok=False,
        buttons=(break_glass.button(asked),),
    )
    replies.add(
        tx, ask=origin.key, account_kind=origin.account_kind, account=origin.account, channel=origin.channel,
        body=reply.model_dump(mode="json"), id=f"unreachable:{asked.id}",
    )  # fmt: skip
