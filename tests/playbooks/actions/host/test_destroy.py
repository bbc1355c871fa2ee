"""`host.destroy`: the exact line, once, followed to its end, and the truth about a lost one."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from playbooks.action import Again, Park, Risk
from playbooks.actions.host.contain import Contain
from playbooks.actions.host.destroy import Destroy
from playbooks.actions.host.run import Run
from playbooks.actions.host_runs import SETTLED_S
from playbooks.changes import Change, standing
from playbooks.connectors.hosts import HostReads
from playbooks.errors import Refused, Temporary, Uncertain

STEP = Destroy(host="production", command="compose_restart", arguments={"service": "postgres"})
LINE = "docker compose -f deploy/docker/compose/base.yml -f deploy/docker/compose/production.yml restart postgres"
VERB = "compose restart"


async def restarts(sb: SandboxClient) -> int:
    return sum(line == LINE for line in (await sb.hosts())["production"]["ran"])


async def test_it_says_the_line_runs_it_once_and_its_probe_is_not_fooled(at: Any, sb: SandboxClient) -> None:
    world, act = at()
    plan = await STEP.plan(world)
    assert plan.effect == f"Run compose_restart on production: {LINE} (in /opt/ecommerce-platform)"
    assert plan.targets == ("host:production",) and plan.warnings == ("Connections to it drop for seconds.",)
    assert (STEP.risk, STEP.again, STEP.within_s()) == (Risk.RECOVERABLE, Again.NEVER, 6 * 3600)
    assert await restarts(sb) == 0
    done = await STEP.run(act)
    assert not isinstance(done, Park) and (done.exit, done.matched, done.running) == (0, True, False)
    assert (await STEP.verify(world, done)).ok is True
    again = await STEP.run(act)  # the same attempt: the receipt answers, nothing is restarted again
    assert again == done and await restarts(sb) == 1
    later, _ = at(later_s=60)  # as if the container had not been restarted by a step that began later
    later.started_at = later.now
    look = await STEP.verify(later, done)
    assert look.ok is None and "before this began" in look.text
    await sb.change_host("production", containers={"ecommerce_postgres": {"health": "unhealthy"}})
    look = await STEP.verify(world, done)
    assert look.ok is None and 'Health.Status is "unhealthy"' in look.text


async def test_it_refuses_another_risk_wrong_arguments_and_a_failed_precondition(at: Any, sb: SandboxClient) -> None:
    world, act = at()
    wrong = [
        ({"command": "compose_up"}, "is of risk write"),
        ({"command": "firewall_close", "arguments": {"port": "80"}}, "is of risk contain"),
        ({"command": "restore_latest", "arguments": {"database": "main"}}, "is of risk irreversible"),
        ({"command": "compose_restrat"}, "did you mean compose_restart"),
        ({"host": "staging"}, "may not run on staging, only on production, dr"),
        ({"host": "produktion"}, "no host produktion"),
        ({"arguments": {"service": "postgres; rm -rf /"}}, "is none of backend"),
        ({"arguments": {}}, "needs service"),
        ({"arguments": {"service": "redis", "force": "yes"}}, "takes no force"),
    ]
    for change, words in wrong:
        step = Destroy(**{**STEP.model_dump(), **change})
        for call in (step.plan(world), step.run(act)):
            with pytest.raises(Refused, match=words):
                await call
    with pytest.raises(Refused, match=r"host.destroy"):
        await Run(**STEP.model_dump()).plan(world)
    await sb.change_host("production", services={"docker": "failed"})
    for call in (STEP.plan(world), STEP.run(act)):
        with pytest.raises(Refused, match="docker_active says it ended with 1"):
            await call
    assert await restarts(sb) == 0


async def test_a_drill_reaches_no_host_of_production(at: Any) -> None:
    world, _ = at(scope={"run": {"kind": "drill"}})
    with pytest.raises(Refused, match="no site that drills may reach"):
        await STEP.plan(world)
    staged = Destroy(host="staging", command="container_stop", arguments={"container": "corporate-intel-redis"})
    assert (await staged.plan(world)).effect.endswith("docker stop corporate-intel-redis")


@pytest.mark.parametrize("mode", ["close_after", "timeout_after"])
async def test_a_lost_answer_is_found_by_its_receipt(
    at: Any, sb: SandboxClient, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("playbooks.actions.host_step.WAIT_S", 0.2)
    monkeypatch.setattr("playbooks.connectors.hosts.SLACK_S", 0.3)
    world, act = at()
    await sb.fail("host", VERB, mode)
    with pytest.raises(Uncertain):
        await STEP.run(act)
    found = await STEP.reconcile(world)
    assert found.happened is True and found.outputs is not None and "ended with 0" in found.evidence
    assert (await STEP.verify(world, found.outputs)).ok is True
    assert await restarts(sb) == 1


async def test_what_never_arrived_did_not_happen(at: Any, sb: SandboxClient) -> None:
    world, act = at()
    await sb.fail("host", VERB, "reset")
    with pytest.raises(Uncertain):
        await STEP.run(act)
    early = await STEP.reconcile(world)
    assert early.happened is None and "too early" in early.evidence
    late, _ = at(later_s=SETTLED_S + 1)
    assert (await STEP.reconcile(late)).happened is False
    await sb.change_host("production", reboot=True)  # a receipt in memory would be gone now
    assert (await STEP.reconcile(late)).happened is None
    await sb.change_host("production", unreachable=True)
    for call in (STEP.plan(world), STEP.run(act), STEP.reconcile(world)):
        with pytest.raises(Temporary, match="could not be reached"):
            await call
    assert await restarts(sb) == 0


async def test_what_takes_long_is_parked_and_followed(
    at: Any, sb: SandboxClient, settled: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("playbooks.actions.host_step.WAIT_S", 0.0)
    world, act = at()
    await sb.change_host("production", slow={VERB: 0.3})
    parked = await STEP.run(act)
    assert isinstance(parked, Park) and parked.wake_in_s == 1.0
    running = await STEP.reconcile(world)  # a replica that died here: it goes on, and verify follows it
    assert running.happened is True and running.outputs.running
    assert (await STEP.verify(world, running.outputs)).text == "compose_restart is running on production"

    async def over() -> Any:
        found = await STEP.resume(act, None)
        return found if not isinstance(found, Park) else None

    done = await settled(over)
    assert done.exit == 0 and await restarts(sb) == 1
    look = await STEP.verify(world, running.outputs)
    assert look.ok is True and look.outputs == done  # what it said in the end takes the place of "running"


async def test_what_is_cut_off_or_too_slow_is_uncertain(
    at: Any, sb: SandboxClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("playbooks.actions.host_step.WAIT_S", 0.0)
    world, act = at()
    await sb.change_host("production", slow={VERB: 30})
    assert isinstance(await STEP.run(act), Park)
    late, late_act = at(later_s=600)
    with pytest.raises(Uncertain, match="still running on production after 2 min"):
        await STEP.resume(late_act, None)
    assert (await STEP.reconcile(late)).happened is None
    await sb.change_host("production", kill=True)
    with pytest.raises(Uncertain, match="gone without an end"):
        await STEP.resume(act, None)
    found = await STEP.reconcile(world)  # its probe: the container was not started since
    assert found.happened is None and "container_fresh says" in found.evidence and "before this began" in found.evidence


async def test_a_bad_end_is_said_and_nothing_done_is_believed(at: Any, sb: SandboxClient) -> None:
    world, act = at()
    await sb.change_host("production", answers={VERB: [1, "port is taken"]})
    done = await STEP.run(act)
    look = await STEP.verify(world, done)
    assert look.ok is False and look.text == "compose_restart on production: it ended with 1. “port is taken”"
    _, other = at(key="key-2")
    await sb.change_host("production", answers={VERB: [14, "no such service"]})
    with pytest.raises(Refused, match="ended with 14 and did nothing"):
        await STEP.run(other)


async def test_it_is_taken_back_by_the_command_the_policy_names(at: Any, sb: SandboxClient) -> None:
    stop = Destroy(host="production", command="compose_stop", arguments={"service": "backend"})
    world, act = at()
    done = await stop.run(act)
    assert Destroy.leaves(done.model_dump()) and not Destroy.leaves((await STEP.run(at("k")[1])).model_dump())
    assert (await stop.verify(world, done)).ok is True
    back, back_act = at(key="undo-1")
    plan = await stop.plan_undo(back, done)
    assert plan.effect.startswith("Take compose_stop back on production by compose_up: docker compose")
    await stop.undo(back_act, done)
    assert (await stop.verify_undo(back, done)).ok is True and (await stop.reconcile_undo(back, done)).happened
    assert (await sb.hosts())["production"]["containers"]["ecommerce_backend"]["status"] == "running"
    with pytest.raises(Refused, match="names no command that takes compose_restart back"):
        await STEP.plan_undo(back, done)


def test_the_reading_class_cannot_start(hosts: HostReads) -> None:
    assert not hasattr(HostReads, "start")


@pytest.mark.parametrize(
    ("closed", "opened"),
    [
        (Contain(host="production", command="firewall_close", arguments={"port": "443"}),
         Destroy(host="production", command="firewall_restore", arguments={"port": "443"})),
        (Destroy(host="production", command="compose_stop", arguments={"service": "backend"}),
         Destroy(host="production", command="compose_recreate", arguments={"service": "backend"})),
    ],
    ids=["by the command that takes it back", "by one that does its work too"],
)  # fmt: skip
async def test_what_another_command_set_back_stands_no_more(at: Any, closed: Any, opened: Any) -> None:
    """As in the ransomware playbooks: what isolating left is ended by what reopening really ran, and by that alone."""
    ran = []
    for number, step in enumerate((closed, opened)):
        _, act = at(key=f"key-{number}")
        ran.append(await step.run(act))
    left, ended = (
        step.changes({}, one.model_dump(mode="json")) for step, one in zip((closed, opened), ran, strict=True)
    )
    assert closed.leaves(ran[0].model_dump()) and [one.before for one in left][:1] == ["so"]
    other = [Change(one.thing.replace("443", "80").replace("backend", "redis"), one.before, one.after) for one in ended]
    for later, stands in (((), True), (other, True), (ended, False)):
        told = [*(("closed", one) for one in left), *(("later", one) for one in later)]
        assert ("closed" in {who for who, one in standing(told) if one.before == "so"}) is stands
