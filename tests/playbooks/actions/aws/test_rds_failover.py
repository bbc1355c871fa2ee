"""`aws.rds_failover`: exact words, one reboot, and the truth about what happened."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web

from bot.sandbox.client import SandboxClient
from playbooks.action import Again, Risk
from playbooks.actions.aws.rds_failover import SETTLED_S, FailedOver, RdsFailover
from playbooks.connectors.aws import Aws
from playbooks.errors import MusterError, Refused, Temporary, Uncertain

STEP = RdsFailover(instance="orders-db", from_zone="eu-north-1a")
REBOOT = "RebootDBInstance"


async def test_plan_says_exactly_what_the_card_shows(world: Any, aws: Aws, effects: Any) -> None:
    plan = await STEP.plan(world(aws))
    assert plan.effect == "Reboot orders-db with failover: eu-north-1a -> eu-north-1b"
    assert plan.warnings == ("Connections drop for 60-120 s.",) and plan.targets == ("rds:orders-db",)
    assert (plan.data_loss_s, plan.data_loss) == (0, "0 s (synchronous standby)")
    assert (STEP.risk, STEP.again, STEP.within_s()) == (Risk.RECOVERABLE, Again.NEVER, 600)
    assert await effects("aws", REBOOT) == 0
    with pytest.raises(MusterError, match="can act"):
        world(aws).use(Aws)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"multi_az": False}, "not Multi-AZ"),
        ({"status": "backing-up"}, "is backing-up"),
        ({"zone": "eu-north-1b", "secondary_zone": "eu-north-1a"}, "has moved already"),
    ],
)
async def test_it_refuses_when_it_cannot_or_need_not(
    act: Any, world: Any, aws: Aws, sb: SandboxClient, effects: Any, change: dict[str, Any], words: str
) -> None:
    await sb.instance("orders-db", **change)
    for call in (STEP.plan(world(aws)), STEP.run(act(aws))):
        with pytest.raises(Refused, match=words):
            await call
    assert await effects("aws", REBOOT) == 0


async def test_it_moves_the_writer_and_verify_is_not_fooled(act: Any, world: Any, aws: Aws, settled: Any) -> None:
    untouched = FailedOver(instance="orders-db", from_zone="eu-north-1a", to_zone="eu-north-1b")
    look = await STEP.verify(world(aws), untouched)
    assert look.ok is None  # available, but nothing has moved: the trap of contract E2
    done = await STEP.run(act(aws))
    assert done == untouched
    look = await STEP.verify(world(aws), done)
    assert look.ok is None and look.text == "rebooting, writer still eu-north-1a"

    async def seen() -> Any:
        now = await STEP.verify(world(aws), done)
        return now if now.ok else None

    assert (await settled(seen)).text == "Writer moved to eu-north-1b"
    with pytest.raises(Refused, match="has moved already"):
        await STEP.run(act(aws))


async def test_without_from_zone_the_zone_is_taken_when_it_runs(act: Any, aws: Aws) -> None:
    done = await RdsFailover(instance="orders-db").run(act(aws))
    assert (done.from_zone, done.to_zone) == ("eu-north-1a", "eu-north-1b")


@pytest.mark.parametrize("mode", ["timeout_after", "close_after"])
async def test_a_lost_answer_that_happened_is_seen_to_have_happened(
    act: Any, world: Any, aws: Aws, sb: SandboxClient, effects: Any, settled: Any, mode: str
) -> None:
    await aws.rds_instance("orders-db")
    await sb.fail("aws", REBOOT, mode)
    with pytest.raises(Uncertain):
        await STEP.run(act(aws))

    async def moved() -> Any:
        found = await STEP.reconcile(world(aws))
        return found if found.happened else None

    found = await settled(moved)
    assert "eu-north-1b" in found.evidence and found.outputs.from_zone == "eu-north-1a"
    assert await effects("aws", REBOOT) == 1


@pytest.mark.parametrize("mode", ["timeout_before", "500", "reset"])
async def test_what_never_arrived_is_not_said_to_have_happened(
    act: Any, world: Any, aws: Aws, sb: SandboxClient, effects: Any, mode: str
) -> None:
    await aws.rds_instance("orders-db")
    await sb.fail("aws", REBOOT, mode)
    with pytest.raises(Uncertain):
        await STEP.run(act(aws))
    early = await STEP.reconcile(world(aws))
    assert early.happened is None and "too early" in early.evidence
    late = await STEP.reconcile(world(aws, later_s=SETTLED_S + 1))
    assert late.happened is False and "unchanged" in late.evidence
    assert await effects("aws", REBOOT) == 0


async def test_where_looking_cannot_tell_it_says_so(world: Any, aws: Aws, sb: SandboxClient) -> None:
    unknown = RdsFailover(instance="orders-db")
    assert (await unknown.reconcile(world(aws, later_s=SETTLED_S + 1))).happened is None
    await sb.instance("orders-db", status="rebooting")
    found = await STEP.reconcile(world(aws, later_s=SETTLED_S + 1))
    assert found.happened is None and "rebooting" in found.evidence
    await sb.fail("aws", "DescribeEvents", "error:AccessDenied")
    assert (await STEP.reconcile(world(aws))).happened is None


async def test_rds_events_decide_while_it_reboots(
    world: Any, aws: Aws, sb: SandboxClient, aiohttp_url: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stand-in has no RDS events of a failover, so this answer is written here as AWS words it."""
    looking = world(aws)
    at = (looking.started_at + timedelta(seconds=5)).strftime("%Y-%m-%dT%H:%M:%SZ")
    event = (
        "<Event><SourceIdentifier>orders-db</SourceIdentifier><SourceType>db-instance</SourceType>"
        f"<Message>Multi-AZ instance failover started.</Message><Date>{at}</Date></Event>"
    )
    instance = (
        "<DBInstance><DBInstanceIdentifier>orders-db</DBInstanceIdentifier><DBInstanceStatus>rebooting</DBInstanceStatus>"
        "<MultiAZ>true</MultiAZ><AvailabilityZone>eu-north-1a</AvailabilityZone>"
        "<SecondaryAvailabilityZone>eu-north-1b</SecondaryAvailabilityZone></DBInstance>"
    )

    async def reply(request: web.Request) -> web.Response:
        asked = (await request.post())["Action"]
        body = {
            "DescribeEvents": f"<Events>{event}</Events>",
            "DescribeDBInstances": f"<DBInstances>{instance}</DBInstances>",
        }
        text = f"<{asked}Response><{asked}Result>{body[str(asked)]}</{asked}Result></{asked}Response>"
        return web.Response(text=text, content_type="text/xml")

    url = await aiohttp_url("/{path:.*}", reply)
    other = Aws(region="eu-north-1", endpoint_url=url, access_key_id="a", secret_access_key="b")
    found = await STEP.reconcile(world(other))
    await other.close()
    assert found.happened is True and "failover started" in found.evidence and found.outputs.to_zone == "eu-north-1b"


async def test_throttled_and_denied_did_not_happen(act: Any, aws: Aws, sb: SandboxClient, effects: Any) -> None:
    await sb.fail("aws", REBOOT, "429")
    with pytest.raises(Temporary):
        await STEP.run(act(aws))
    await sb.fail("aws", REBOOT, "error:AccessDenied")
    with pytest.raises(Refused, match="AccessDenied"):
        await STEP.run(act(aws))
    assert await effects("aws", REBOOT) == 0
