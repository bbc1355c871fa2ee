"""An ask broke Muster as often as it is tried, and nobody waits for its answer: a timer, a webhook, news of an account.

The administrators are told what happened, what did not and what to do, once a day for each kind; a timer goes on later,
since one that sets itself again would otherwise be silent for ever. Belongs here: those words and that timer. Does not
belong here: settling the ask, what a person who asked is told (dispatch.py, bot/words.py).
"""

from __future__ import annotations

from datetime import timedelta

from commands.command import Reply
from commands.words import clock, esc, lines
from playbooks.durations import words as length_words
from playbooks.engine.quorum_check import administrators
from playbooks.policy import Policy
from storage import people, replies, timers
from storage.db import Tx
from storage.inbox import Ask

TIMER_AGAIN = timedelta(minutes=15)
_CLOCKS = ("timer", "subject", "due_at")  # what the clock itself put into the values


def waits(ask: Ask) -> bool:
    """Whether a person waits for the answer."""
    return ask.account_kind in ("slack", "cli") and (ask.kind != "event" or bool(ask.line.strip()))


def give_up(tx: Tx, policy: Policy, ask: Ask, what: str) -> None:
    """what: the class of the fault, in the transaction that settles the ask as dead."""
    if ask.kind == "timer":
        _again(tx, ask)
    text = lines(
        _happened(tx, ask, what), _todo(ask), f"Whoever runs Muster finds it in the log under `{esc(ask.key)}`."
    )
    body = Reply(text=text, ok=False).model_dump(mode="json")
    sort = " ".join(ask.line.split()[:2]) if ask.kind == "timer" else f"{ask.kind} {ask.account_kind}"
    for person in administrators(tx, policy):
        for mine in people.accounts_of(tx, person, "slack")[:1]:
            replies.add(
                tx, ask=None, account_kind="slack", account=mine.id, channel=None, body=body,
                id=f"given-up:{sort}:{person}:{tx.now:%Y-%m-%d}",
            )  # fmt: skip


def _again(tx: Tx, ask: Ask) -> None:
    _, kind, *subject = ask.line.split(None, 2)
    given = {name: value for name, value in ask.values.items() if name not in _CLOCKS}
    timers.ensure(tx, kind, subject[0].strip() if subject else "", tx.now + TIMER_AGAIN, given)


def _happened(tx: Tx, ask: Ask, what: str) -> str:
    at = f" of {clock(ask.received_at, tx.now)} UTC" if ask.received_at else ""
    named = {
        "timer": f"The timer `{esc(ask.line.removeprefix('timer').strip())}`{at}",
        "webhook": f"What PagerDuty said{at}",
        "event": f"What Slack said of an account or a group{at}",
    }
    return (
        f"⚠️ {named.get(ask.kind, f'What came in{at}')} broke inside Muster ({what}, tried {ask.attempts} times). "
        "*Nothing of it was done*; it was rolled back."
    )


def _todo(ask: Ask) -> str:
    if ask.kind == "timer":
        return f"It is tried again in {length_words(TIMER_AGAIN)}. Until then look yourself at what it is about."
    if ask.kind == "webhook":
        return "A page may be acknowledged or resolved while its incident does not say so: look, and `/incident note`."
    return "Who is in which group is looked up again when somebody votes; until then nothing is lost."
