"""What each command makes Muster ask of the outside, and each of these calls failing: whole in the end, or told.

`CALLS` is the list; the test that plays every command fails when one causes a call that is not in it. Then each call of a
command fails once, in every way that makes a difference to Muster: not now, no answer and nothing done, no answer and
done, refused. Silence and a cut line are the same to it and differ in the clients (tests/playbooks/connectors).
What a failing handler or a lost answer to the person does has test_failures_commands.py.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import URL

from tests.conversations.every_command import TYPED, typed
from tests.conversations.outdoors import After, Outdoors, at_work
from tests.conversations.scene import hurried, on_sqlite

pytestmark = pytest.mark.timeout(900)

UPDATE, POST, OPEN = "slack chat.update", "slack chat.postMessage", "slack conversations.open"
INVITE, TOPIC = "slack conversations.invite", "slack conversations.setTopic"
FILE = ("slack files.getUploadURLExternal", "slack upload", "slack files.completeUploadExternal")
PAGE, ESCALATE = "pagerduty POST /v2/enqueue", "pagerduty PUT /incidents/{id}"
CARD, WRITES = (UPDATE,), (UPDATE, OPEN, POST)
CALLS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(
        (
            "incident ack", "incident detected", "incident eta", "incident followups", "incident impact", "incident link",
            "incident notified", "incident parent", "incident private", "incident related", "incident service",
            "incident tasks", "incident triage", "playbook accept", "playbook answer", "playbook confirm",
            "playbook pause", "playbook reject", "playbook resume", "playbook retry", "playbook review",
            "playbook revoke", "playbook skip",
        ),
        CARD,
    ),
    **dict.fromkeys(
        (
            "incident hold", "incident redact", "incident release", "playbook auditor", "playbook confirm-member",
            "playbook erase", "playbook escrow", "playbook join",
        ),
        (POST,),  # the card of a decision
    ),
    **dict.fromkeys(
        ("incident clock", "incident mitigated", "incident restored", "incident send", "incident shift", "incident task"),
        WRITES,
    ),
    "incident cancel": (PAGE, POST, TOPIC, UPDATE),
    "incident declare": (PAGE, "slack conversations.create", INVITE, TOPIC, POST, "slack pins.add", UPDATE),
    "incident escalate": (ESCALATE, UPDATE),
    "incident export": (OPEN, *FILE),
    "incident level": (PAGE, INVITE, TOPIC, POST, UPDATE),
    "incident merge": (PAGE, POST, TOPIC, UPDATE),
    "incident page": ("pagerduty POST /incidents", OPEN, POST),
    "incident postmortem": FILE,
    "incident publish": ("statuspage POST /incidents", UPDATE),
    "incident reopen": (TOPIC, UPDATE),
    "incident resolve": (PAGE, TOPIC, *FILE, *WRITES),
    "incident role": (TOPIC, *WRITES),
    "incident sev": (PAGE, INVITE, TOPIC, POST, UPDATE),
    "playbook abort": (ESCALATE, UPDATE),  # a page for approvers is called off
    "playbook approve": ("aws RebootDBInstance", ESCALATE, UPDATE),
    "playbook break-glass": ("aws RebootDBInstance", ESCALATE, *WRITES),
    "playbook deny": (ESCALATE, UPDATE),
    "playbook run": (POST, UPDATE),
    "playbook undo": ("pagerduty POST /incidents", *WRITES),
}  # fmt: skip
# How each of them is refused by the service itself.
REFUSAL = {
    "slack conversations.create": "error:restricted_action", INVITE: "error:cant_invite", TOPIC: "error:is_archived",
    POST: "error:channel_not_found", OPEN: "error:cannot_dm_bot", "slack pins.add": "error:too_many_pins",
    "slack files.getUploadURLExternal": "missing_scope", "slack files.completeUploadExternal": "error:not_in_channel",
    "aws RebootDBInstance": "error:AccessDenied",
}  # fmt: skip
ORDINARY = "error:forbidden"
NOT_REFUSED = {UPDATE, "slack upload"}  # a card that is gone is posted again (tests/bot/test_cards.py); no such answer
ELSEWHERE = {"playbook break-glass", "playbook approve"}  # the failover they start: test_failures_failover.py
TOLD = {("incident export", "500")}  # a file sent directly is not looked for, so nobody knows, and that is said
# Only somebody else was to be written to beside what the person sees: it is kept as lost in the outbox (docs/guarantees).
NOTICES = {"incident clock", "incident mitigated", "incident restored", "incident send", "incident task"}
# Pages to approvers run beside the command: who asked for the run is told which of them could not be ended.
BESIDE = {"playbook abort", "playbook deny"}
ONE_OF_TWO = {"playbook undo"}
BY_HAND = ("by hand", "Call the on-call", "by telephone")
HALVES = (sorted(TYPED)[::2], sorted(TYPED)[1::2])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def outdoors(
    sqlite_template: Path, server: URL, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Outdoors]:
    """The moment with everything at work, once for all plays."""
    with hurried() as patched:
        async with (
            on_sqlite(sqlite_template, server, patched, tmp_path_factory) as scene,
            at_work(scene, patched) as one,
        ):
            yield one


def modes(words: str) -> tuple[str, ...]:
    """The ways in which a command's calls fail; what does nothing at all comes in two forms, one of them each."""
    calls = [one for one in CALLS.get(words, ()) if one != UPDATE and words not in ELSEWHERE]
    nothing_done = ("429", "500")[sorted(CALLS).index(words) % 2] if calls else ""
    return (nothing_done, "close_after", "refused") if calls else ()


def failing(words: str, mode: str) -> tuple[tuple[str, str, str], ...]:
    """Every call of this command, failing once."""
    calls = [one for one in CALLS[words] if mode != "refused" or one not in NOT_REFUSED]
    how = {one: REFUSAL.get(one, ORDINARY) if mode == "refused" else mode for one in calls}
    return tuple((*one.split(" ", 1), how[one]) for one in calls)  # type: ignore[misc]


def listed(words: str, plain: After) -> None:
    """It makes the calls it is known to make. A card is drawn again only when its picture, which holds times, differs."""
    known, found = set(CALLS.get(words, ())) - {UPDATE}, set(plain.calls) - {UPDATE}
    assert not found - known, f"{words} causes calls that CALLS does not name: {found - known}"
    assert not known - found, f"{words} does not cause {known - found}"


def ended_well(words: str, mode: str, plain: After, found: After) -> None:
    """All is there, once; or who asked knows what is not, and what to do by hand."""
    assert found.met, "the failures were met"
    said = found.outcome.said
    assert not [one for one in said if "went wrong" in one.lower()], said
    assert len(set(said)) == len(said) or mode == "close_after", f"said twice: {said}"
    assert said[0] == plain.outcome.said[0], "the first answer waits for nothing outside"
    assert found.outcome.states == ["done"] * len(found.outcome.states)
    if found.whole(plain, twice=mode == "close_after"):
        return
    apart = found.apart(plain, twice=mode == "close_after")
    assert mode == "refused" or (words, mode) in TOLD, f"it is tried again until it is whole: {apart}\n{said}"
    assert not found.doubled(plain), apart
    if words in NOTICES:
        assert None in {route for _, route in found.outcome.outbox}, f"kept as lost: {apart}"
        return
    if words in BESIDE:
        assert found.failed, apart
        assert found.outcome.warned and not plain.outcome.warned, (
            "whoever asked for the run that needed approval hears it"
        )
        return
    if words in ONE_OF_TWO:
        return
    told = [one for one in said if "⚠️" in one and any(way in one for way in BY_HAND)]
    assert told and "/playbook retry" in told[-1], f"told what failed, and what to do: {said}\n{apart}"
    assert found.failed, "and the record has it"


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("half", HALVES, ids=("one", "two"))
async def test_every_call_is_known_and_may_fail(outdoors: Outdoors, half: list[str]) -> None:
    wrong = []
    for words in half:
        plays: dict[str, Any] = {"": (), **{mode: failing(words, mode) for mode in modes(words)}}
        plain: After | None = None
        for mode, faults in plays.items():
            try:
                found = await outdoors.plays(typed(words), faults=faults)
                await outdoors.stage.town.proven()
                if plain is None:
                    plain = found
                    listed(words, plain)
                else:
                    ended_well(words, mode, plain, found)
            except (AssertionError, TimeoutError) as error:
                wrong.append(f"{words} {mode}: {error}")
                if plain is None:
                    break
    assert not wrong, "\n\n".join(wrong)


def test_the_list_names_commands() -> None:
    assert set(CALLS) <= set(TYPED), "a command that is no more"
