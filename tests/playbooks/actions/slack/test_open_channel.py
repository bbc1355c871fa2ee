"""`slack.open_channel`."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.sandbox.client import SandboxClient
from playbooks.actions.slack.open_channel import OpenChannel
from playbooks.channel_names import MOST, channel_name
from playbooks.connectors.slack import Slack
from playbooks.errors import NotConfigured, Refused, Temporary, Uncertain

STEP = OpenChannel(number=42, title="Checkout is down!")


@given(st.integers(0, 10**9), st.text(), st.integers(1, 99), st.booleans(), st.text(min_size=1, max_size=20))
def test_every_title_gives_a_legal_name(number: int, title: str, copy: int, secret: bool, prefix: str) -> None:
    name = channel_name(number, title, copy=copy, secret=secret, prefix=prefix)
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name) and len(name) <= MOST
    assert copy == 1 or name.endswith(f"-{copy}")
    assert f"-{number}" in name


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("checkout is down", "inc-42-checkout-is-down"),
        ("Störung: Zahlung für Ærø & Łódź", "inc-42-storung-zahlung-fur-aero-lodz"),
        ("Straße", "inc-42-strasse"),
        ("決済が落ちた", "inc-42"),
        ("🔥🔥", "inc-42"),
        ("...!", "inc-42"),
        ("", "inc-42"),
        ("x" * 200, "inc-42-" + "x" * 73),
    ],
)
def test_names_people_can_read(title: str, name: str) -> None:
    assert channel_name(42, title) == name


def test_a_secret_name_says_nothing() -> None:
    assert channel_name(42, "payroll breach", secret=True, copy=2) == "inc-42-restricted-2"


async def test_plan_says_exactly_what_and_needs_slack(world: Any, slack: Slack) -> None:
    plan = await OpenChannel(number=42, title="x", private=True).plan(world(slack))
    assert plan.effect == "Open the private channel #inc-42-x" and plan.targets == ("slack:#inc-42-x",)
    with pytest.raises(NotConfigured, match="Slack"):
        await STEP.plan(world())


async def test_it_opens_and_never_reuses(act: Any, slack: Slack, sb: SandboxClient) -> None:
    names = []
    for _ in range(3):
        done = await STEP.run(act(slack))
        names.append(done.channel_name)
    assert names == ["inc-42-checkout-is-down", "inc-42-checkout-is-down-2", "inc-42-checkout-is-down-3"]
    assert STEP.say(done) == "#inc-42-checkout-is-down-3 is open" and dict(STEP.facts) == {
        "channel": "channel_id", "channel_name": "channel_name",
    }  # fmt: skip


async def test_private_never_becomes_public(act: Any, slack: Slack, sb: SandboxClient) -> None:
    await sb.scopes(remove=["groups:write"])
    with pytest.raises(Refused, match="groups:write"):
        await OpenChannel(number=42, title="x", private=True).run(act(slack))
    assert not [c for c in await sb.channels() if c["name"].startswith("inc-")]


async def test_too_many_taken_names_end_in_a_refusal(act: Any, slack: Slack, sb: SandboxClient) -> None:
    await sb.fail("slack", "conversations.create", "name_taken", times=-1)
    with pytest.raises(Refused, match="none was opened"):
        await STEP.run(act(slack))


@pytest.mark.parametrize("mode", ["timeout_after", "close_after"])
async def test_a_lost_answer_is_reconciled_to_the_channel_that_was_made(
    act: Any, world: Any, slack: Slack, sb: SandboxClient, mode: str
) -> None:
    await sb.fail("slack", "conversations.create", mode)
    with pytest.raises(Uncertain):
        await STEP.run(act(slack))
    found = await STEP.reconcile(world(slack))
    assert found.happened and found.outputs.channel_name == "inc-42-checkout-is-down"
    assert len([c for c in await sb.channels() if c["name"].startswith("inc-42")]) == 1


@pytest.mark.parametrize("mode", ["timeout_before", "500", "reset"])
async def test_what_never_arrived_is_reconciled_to_not_happened(
    act: Any, world: Any, slack: Slack, sb: SandboxClient, mode: str
) -> None:
    await sb.change_channel("inc-42-checkout-is-down-2", create=True)  # somebody else's
    await sb.fail("slack", "conversations.create", mode)
    with pytest.raises(Uncertain):
        await STEP.run(act(slack))
    assert (await STEP.reconcile(world(slack))).happened is False


async def test_where_slack_does_not_let_us_look_it_cannot_tell(world: Any, slack: Slack, sb: SandboxClient) -> None:
    await sb.fail("slack", "users.conversations", "missing_scope")
    assert (await STEP.reconcile(world(slack))).happened is None


async def test_429_did_not_happen(act: Any, slack: Slack, sb: SandboxClient) -> None:
    await sb.fail("slack", "conversations.create", "429", retry_after=9)
    with pytest.raises(Temporary) as limited:
        await STEP.run(act(slack))
    assert limited.value.retry_after == 9
