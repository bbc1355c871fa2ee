"""`aws.route53_switch`: one record, its old value kept, and the resolver asked before it is called done."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from bot.sandbox.server import Sandbox
from playbooks.actions.aws.route53_switch import Route53Switch
from playbooks.changes import UNKNOWN
from playbooks.connectors.aws import Aws
from playbooks.connectors.aws_route53 import Alias
from playbooks.connectors.dns import DnsReads
from playbooks.errors import Refused, Temporary, Uncertain

NAME, OLD, NEW = "checkout.example.com", "primary.checkout.example.com", "secondary.checkout.example.com"
CHANGE = "ChangeResourceRecordSets"


@pytest.fixture
def step(env: dict[str, str]) -> Route53Switch:
    return Route53Switch(
        zone="Z123456789", record=NAME, type="CNAME", values=[NEW], from_values=[OLD], resolver=env["CHECKOUT_RESOLVER"]
    )


async def test_it_switches_once_and_believes_the_resolver(
    act: Any, world: Any, aws: Aws, names: DnsReads, sandbox: Sandbox, step: Route53Switch, effects: Any
) -> None:
    sandbox.settings.dns_sync_seconds = 3600.0
    plan = await step.plan(world(aws))
    assert plan.effect == f"Point CNAME {NAME}: {OLD} -> {NEW}" and plan.targets == (f"dns:{NAME}/CNAME",)
    assert "60 s" in plan.warnings[0] and await effects("aws", CHANGE) == 0
    done = await step.run(act(aws))
    assert (done.old_values, done.values, done.old_ttl) == ([OLD], [NEW], 60)
    look = await step.verify(world(aws, names), done)
    assert look.ok is None and "not in sync" in look.text
    without = await step.verify(world(aws, names), done.model_copy(update={"change": ""}))
    assert without.ok is None and f"still says {OLD}" in without.text, "the record alone is not what people reach"

    (await sandbox.aws.route53()).sync()
    assert (await step.verify(world(aws, names), done)).text.endswith(f"says {NEW}")
    with pytest.raises(Refused, match="already"):
        await step.run(act(aws))
    assert await effects("aws", CHANGE) == 1


async def test_it_leaves_alone_what_is_another_record(
    act: Any, world: Any, aws: Aws, sandbox: Sandbox, step: Route53Switch, effects: Any
) -> None:
    (await sandbox.aws.route53()).change(NAME, "CNAME", ("hand.example.com",))
    for call in (step.plan(world(aws)), step.run(act(aws))):
        with pytest.raises(Refused, match="somebody changed it"):
            await call
    for wrong in ({"record": "none.example.com"}, {"type": "A"}, {"zone": "Z0NONE"}):
        with pytest.raises(Refused):
            await step.model_copy(update=wrong).plan(world(aws))
    assert await effects("aws", CHANGE) == 0


@pytest.mark.parametrize(("mode", "happened"), [("timeout_after", True), ("timeout_before", False), ("500", False)])
async def test_a_lost_answer_is_found_in_the_record(
    act: Any, world: Any, aws: Aws, sb: SandboxClient, step: Route53Switch, mode: str, happened: bool
) -> None:
    await step.plan(world(aws))
    await sb.fail("aws", CHANGE, mode)
    with pytest.raises(Uncertain):
        await step.run(act(aws))
    found = await step.reconcile(world(aws))
    assert found.happened is happened and (OLD if not happened else NEW) in found.evidence
    if happened:
        assert found.outputs is not None and found.outputs.old_values == [OLD]


async def test_a_lost_answer_without_the_old_value_is_left_over_and_has_no_way_back(
    act: Any, world: Any, aws: Aws, sb: SandboxClient, step: Route53Switch
) -> None:
    bare = step.model_copy(update={"from_values": []})
    await bare.plan(world(aws))
    await sb.fail("aws", CHANGE, "close_after")
    with pytest.raises(Uncertain):
        await bare.run(act(aws))
    found = await bare.reconcile(world(aws))
    assert found.happened and found.outputs is not None and found.outputs.old_values == []
    (change,) = Route53Switch.changes({}, found.outputs.model_dump())
    assert change.before == UNKNOWN and NEW in change.after
    assert bare.say(found.outputs) == f"CNAME {NAME}: not known -> {NEW}"
    for call in (bare.plan_undo(world(aws), found.outputs), bare.undo(act(aws), found.outputs)):
        with pytest.raises(Refused, match="said before is not known"):
            await call


async def test_neither_old_nor_new_cannot_be_told(world: Any, aws: Aws, sandbox: Sandbox, step: Route53Switch) -> None:
    (await sandbox.aws.route53()).change(NAME, "CNAME", ("hand.example.com",))
    assert (await step.reconcile(world(aws))).happened is None


async def test_refused_and_throttled_did_not_happen(
    act: Any, world: Any, aws: Aws, sb: SandboxClient, step: Route53Switch, effects: Any
) -> None:
    await step.plan(world(aws))
    for mode, kind in (("429", Temporary), ("error:AccessDenied", Refused)):
        await sb.fail("aws", CHANGE, mode)
        with pytest.raises(kind):
            await step.run(act(aws))
    assert await effects("aws", CHANGE) == 0


async def test_the_way_back_puts_the_old_record_unless_somebody_else_wrote(
    act: Any, world: Any, aws: Aws, names: DnsReads, sandbox: Sandbox, step: Route53Switch, settled: Any
) -> None:
    done = await step.run(act(aws))
    assert (await step.plan_undo(world(aws), done)).effect == f"Point CNAME {NAME} back: {NEW} -> {OLD}"
    assert (await step.reconcile_undo(world(aws), done)).happened is False
    await step.undo(act(aws), done)
    assert (await step.reconcile_undo(world(aws), done)).happened is True

    async def back() -> Any:
        return (await step.verify_undo(world(aws, names), done)).ok

    assert await settled(back)
    (await sandbox.aws.route53()).change(NAME, "CNAME", ("hand.example.com",))
    for call in (step.plan_undo(world(aws), done), step.undo(act(aws), done)):
        with pytest.raises(Refused, match="left alone"):
            await call


BALANCER, ITS_ZONE = "api-1.elb.example.com", "ZELB"


async def test_an_alias_is_kept_whole_and_comes_back(
    act: Any, world: Any, aws: Aws, names: DnsReads, sandbox: Sandbox, sb: SandboxClient, env: Any, settled: Any
) -> None:
    zone = (await sandbox.aws.route53()).backend.zones["Z1234567890ABC"]
    zone.upsert_rrset({"Name": f"{BALANCER}.", "Type": "A", "TTL": 60, "ResourceRecords": ["203.0.113.77"]})
    away = {"name": f"{BALANCER}.", "zone": ITS_ZONE}
    given = {"zone": "Z1234567890ABC", "record": "api.example.com", "resolver": env["CHECKOUT_RESOLVER"]}
    step = Route53Switch(**given, alias=away, from_values=["203.0.113.10"])
    plan = await step.plan(world(aws))
    assert plan.effect == f"Point A api.example.com: 203.0.113.10 -> alias {BALANCER}"
    done = await step.run(act(aws))
    (now,) = await aws.route53_records("Z1234567890ABC", "api.example.com", "A")
    assert now.alias == Alias(BALANCER, ITS_ZONE, True) and now.values == ()

    async def heard() -> Any:
        return (await step.verify(world(aws, names), done)).ok

    assert await settled(heard) and step.say(done).endswith(f"203.0.113.10 -> alias {BALANCER}")
    with pytest.raises(Refused, match="already"):
        await step.plan(world(aws))
    onto = Route53Switch(**given, values=["203.0.113.20"], from_values=[f"alias {BALANCER}"])
    await sb.fail("aws", CHANGE, "close_after")
    with pytest.raises(Uncertain):
        await onto.run(act(aws))
    found = await onto.reconcile(world(aws))
    assert found.happened is True and found.outputs is not None
    with pytest.raises(Refused, match="is not known: the outcome was lost"):
        await onto.plan_undo(world(aws), found.outputs)
    whole = found.outputs.model_copy(update={"old_alias": done.alias})  # as its own answer would have told
    assert f"203.0.113.20 -> alias {BALANCER}" in (await onto.plan_undo(world(aws), whole)).effect
    await onto.undo(act(aws), whole)
    assert (await aws.route53_records("Z1234567890ABC", "api.example.com", "A")) == [now]
    await step.undo(act(aws), done)
    assert (await step.reconcile_undo(world(aws), done)).happened is True
    for wrong in ({"alias": away, "values": ["1.2.3.4"]}, {}, {"alias": away, "type": "CNAME"}):
        with pytest.raises(ValueError, match="alias"):
            Route53Switch(**given, **wrong)
