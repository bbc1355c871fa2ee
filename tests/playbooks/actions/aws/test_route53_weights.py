"""`aws.route53_weights`: weights alone move, all at once, and the resolver is asked where one place gets everything."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from bot.sandbox.server import Sandbox
from playbooks.actions.aws.route53_weights import Route53Weights
from playbooks.connectors.aws import Aws, Record
from playbooks.connectors.dns import DnsReads
from playbooks.errors import Refused, Temporary, Uncertain

NAME, ZONE, CHANGE = "www.checkout.example.com", "Z123456789", "ChangeResourceRecordSets"
HEALTH = "11111111-2222-3333-4444-555555555555"


@pytest.fixture
async def step(aws: Aws, env: dict[str, str], sandbox: Sandbox) -> Route53Weights:
    """Two weighted records, all of it at home."""
    made = [
        Record(ZONE, NAME, "CNAME", 30, (f"{site}.checkout.example.com",), site, weight, health_check=check)
        for site, weight, check in (("primary", 100, HEALTH), ("secondary", 0, ""))
    ]
    zone = (await sandbox.aws.route53()).backend.zones[ZONE]
    for one in made:
        zone.upsert_rrset({
            "Name": f"{NAME}.", "Type": "CNAME", "TTL": 30, "ResourceRecords": list(one.values),
            "SetIdentifier": one.set_identifier, "Weight": one.weight, "HealthCheckId": one.health_check or None,
        })  # fmt: skip
    (await sandbox.aws.route53()).publish()
    return Route53Weights(zone=ZONE, record=NAME, type="CNAME", weights={"primary": 0, "secondary": 100},
                          resolver=env["CHECKOUT_RESOLVER"])  # fmt: skip


async def now(aws: Aws) -> dict[str, Record]:
    return {one.set_identifier: one for one in await aws.route53_records(ZONE, NAME, "CNAME")}


async def test_it_shifts_and_goes_back(
    act: Any, world: Any, aws: Aws, names: DnsReads, step: Route53Weights, effects: Any, sandbox: Sandbox
) -> None:
    before = await now(aws)
    sandbox.settings.dns_sync_seconds = 3600.0
    plan = await step.plan(world(aws))
    assert plan.effect == f"Weigh CNAME {NAME}: primary 100, secondary 0 -> primary 0, secondary 100"
    assert plan.targets == (f"dns:{NAME}/CNAME",) and await effects("aws", CHANGE) == 0
    done = await step.run(act(aws))
    assert done.old_weights == {"primary": 100, "secondary": 0} and await effects("aws", CHANGE) == 1
    assert (await now(aws))["primary"] == Record(**{**before["primary"].__dict__, "weight": 0}), "its check too"
    assert (await now(aws))["primary"].health_check == HEALTH
    early = await step.verify(world(aws, names), done)
    assert early.ok is None and "not in sync" in early.text
    unsynced = await step.verify(world(aws, names), done.model_copy(update={"change": ""}))
    assert unsynced.ok is None and "still says primary.checkout.example.com" in unsynced.text

    (await sandbox.aws.route53()).sync()
    assert (await step.verify(world(aws, names), done)).text.endswith("says secondary.checkout.example.com")
    with pytest.raises(Refused, match="already"):
        await step.run(act(aws))
    assert (await step.plan_undo(world(aws), done)).effect.endswith("-> primary 100, secondary 0")
    assert (await step.reconcile_undo(world(aws), done)).happened is False
    await step.undo(act(aws), done)
    assert await now(aws) == before and (await step.reconcile_undo(world(aws), done)).happened is True
    assert (await step.verify(world(aws, names), done.model_copy(update={"change": ""}))).ok is False
    with pytest.raises(Refused, match="somebody changed it since"):
        await step.undo(act(aws), done)


async def test_what_cannot_be_weighed_is_refused(world: Any, aws: Aws, step: Route53Weights) -> None:
    for wrong, said in (
        ({"weights": {"primary": 0}}, "answers with all of them alike"),
        ({"weights": {"tertiary": 10}}, "no record tertiary, only primary, secondary"),
        ({"weights": {"primary": 256}}, "0 to 255"),
        ({"record": "checkout.example.com"}, "is not weighted"),
        ({"record": "none.example.com"}, "is not there"),
    ):
        with pytest.raises(Refused, match=said):
            await step.model_copy(update=wrong).plan(world(aws))


async def test_lost_refused_and_throttled(
    act: Any, world: Any, aws: Aws, sb: SandboxClient, step: Route53Weights, effects: Any
) -> None:
    for mode, kind in (("429", Temporary), ("error:AccessDenied", Refused), ("reset", Uncertain)):
        await sb.fail("aws", CHANGE, mode)
        with pytest.raises(kind):
            await step.run(act(aws))
    assert await effects("aws", CHANGE) == 0 and (await step.reconcile(world(aws))).happened is False
    await sb.fail("aws", CHANGE, "close_after")
    with pytest.raises(Uncertain):
        await step.run(act(aws))
    found = await step.reconcile(world(aws))
    assert found.happened is True and found.outputs is not None
    with pytest.raises(Refused, match="not known"):
        await step.undo(act(aws), found.outputs)
