"""Where a service is active: moved by a verified step alone, read by the next run, checked before what hurts."""

from __future__ import annotations

from typing import Any

import pytest

from playbooks.action import Again, Outputs, Plan, Risk, Seen, World, action
from playbooks.engine.leftovers import accept, leftovers, undo
from playbooks.engine.voting import vote
from playbooks.errors import NotConfigured, Refused
from playbooks.policy import parse_policy
from storage import placements, runs, timeline
from tests.playbooks.engine.conftest import OutsideReads, _Base

POLICY = """
severities: {sev1: {title: outage}}
groups: {sre: {people: [ben, chi, dov]}}
people: {ben: {slack: UBEN}, chi: {slack: UCHI}, dov: {slack: UDOV}}
sites:
  primary: {kind: production, region: eu-north-1}
  secondary: {kind: standby, region: eu-west-1}
  lab: {kind: drill, drills: true}
services:
  shop:
    {tier: 1, rto: 15m, rpo: 5m, site: primary, database: {instance: here}, resources: {secondary: {database: {instance: there}}}}
approvals: {people: 2, from: [sre], page_missing: false}
"""
MOVE = "  - {id: move, uses: toy.cutover, with: {service: shop, site: secondary}}\n"
BOOM = '  - {id: boom, uses: toy.destroy, with: {tag: "${{ active.database.instance }} ${{ active_site.region }}"}}\n'


class Moved(Outputs):
    """Where it is now."""

    service: str
    site: str


@action("toy.cutover", risk=Risk.WRITE, again=Again.KEYED, result=Moved, moves_service=True)
class Cutover(_Base):
    """Move a service."""

    service: str
    site: str

    async def plan(self, world: World) -> Plan:
        return Plan(effect="move")

    async def run(self, act: Any) -> Outputs:
        return Moved(service=self.service, site=self.site)

    async def verify(self, world: World, done: Any) -> Seen:
        if not world.use(OutsideReads).can_tell:
            raise NotConfigured("no DNS here")
        return Seen(world.use(OutsideReads).visible, "looked")


@pytest.fixture
def stage(stage: Any) -> Any:
    stage.policy = parse_policy(POLICY)
    return stage


async def votes(stage: Any, engine: Any, run: str, digest: str) -> None:
    for who in ("ben", "chi"):
        await stage.db.write(
            lambda tx, who=who: vote(
                tx, engine, run=run, digest=digest, actor=stage.actor(who), choice="approve", via="test"
            )
        )


async def left(stage: Any, run: str) -> list[int]:
    return [one.idx for one in await stage.db.read(lambda tx: leftovers(tx, runs.steps_of(tx, run), stage.policy))]


async def where(stage: Any) -> list[tuple[str, str | None]]:
    return [(one.site, one.was) for one in await stage.db.read(lambda tx: placements.history(tx, "shop"))]


async def test_a_verified_move_is_the_record_and_the_next_run_happens_there(stage: Any) -> None:
    engine = stage.engine()
    await engine.start()
    assert (await stage.ended(await stage.request(MOVE, engine, service="shop"))).state == "succeeded"
    assert await where(stage) == [("secondary", "primary")]
    (told,) = await stage.db.read(lambda tx: timeline.read(tx, "org", types=("service.moved",)))
    assert (told.body["service"], told.body["site"], told.body["was"]) == ("shop", "secondary", "primary")
    assert await left(stage, "org/1") == [1], "it is not at home"
    run = await stage.request(BOOM, engine, service="shop")
    asked = await stage.held(run)
    assert asked.plan["effect"].endswith("by there eu-west-1")
    await votes(stage, engine, run, asked.digest)
    assert (await stage.ended(run)).state == "succeeded", "it was where it was thought to be"
    home = MOVE.replace("secondary", "primary")
    assert (await stage.ended(await stage.request(home, engine, service="shop"))).state == "succeeded"
    assert await left(stage, "org/1") == [] and await left(stage, "org/3") == [], "and now it is"


async def test_a_service_away_from_home_is_left_over_until_somebody_lets_it_stay(stage: Any) -> None:
    engine = stage.engine()
    await engine.start()
    run = await stage.request(MOVE, engine, service="shop")
    await stage.ended(run)
    with pytest.raises(Refused, match="has no undo"):
        await stage.db.write(lambda tx: undo(tx, engine, run=run, actor=stage.actor("ana"), reason="no", step="move"))
    await stage.db.write(lambda tx: accept(tx, stage.policy, run=run, actor=stage.actor("ben"), reason="for a month"))
    assert await left(stage, run) == []


@pytest.mark.parametrize("fault", ["visible", "can_tell"])
async def test_what_was_not_verified_moves_nothing(stage: Any, fault: str) -> None:
    setattr(stage.outside, fault, False)
    engine = stage.engine()
    await engine.start()
    assert (await stage.ended(await stage.request(MOVE, engine, service="shop"))).state == "paused"
    assert await where(stage) == []


async def test_a_service_that_moved_meanwhile_is_not_touched(stage: Any) -> None:
    engine = stage.engine()
    await engine.start()
    run = await stage.request(BOOM, engine, service="shop")
    asked = await stage.held(run)
    assert (await stage.ended(await stage.request(MOVE, engine, service="shop"))).state == "succeeded"
    await votes(stage, engine, run, asked.digest)
    assert (await stage.ended(run)).state == "paused"
    (step,) = await stage.steps(run)
    assert "has moved: active at secondary" in step.error and stage.outside.effects == []


async def test_a_drill_reaches_only_sites_marked_for_drills(stage: Any) -> None:
    engine = stage.engine()
    for more in ({"site": "secondary"}, {"service": "shop"}):
        with pytest.raises(Refused, match="not marked for drills"):
            await stage.request(MOVE, engine, kind="drill", **more)
    assert await stage.db.read(lambda tx: runs.get(tx, "org/1")) is None
    with pytest.raises(Refused, match=r"does not reach \*\*primary\*\*"):
        await stage.request(BOOM, engine, kind="drill", service="shop", site="lab")  # by what is where it is active
    assert await stage.request(MOVE, engine, kind="drill", service="shop", site="lab") == "org/1"
    look = BOOM.replace("toy.destroy", "toy.safe")
    assert await stage.request(look, engine, kind="drill", service="shop", site="lab") == "org/2", "it only looks there"


async def test_a_playbook_made_for_a_drill_site_does_not_reach_production_either(stage: Any) -> None:
    engine, made_for_lab = stage.engine(), "inputs:\n  site: {type: site, default: lab}\n"
    with pytest.raises(Refused, match=r"does not reach \*\*primary\*\*.*Nothing was started"):
        await stage.request(MOVE + made_for_lab, engine, service="shop", site="primary")
    with pytest.raises(Refused, match="not marked for drills"):
        await stage.request(BOOM + made_for_lab, engine, service="shop", site="lab")  # it is active at primary
    assert await stage.request(MOVE + made_for_lab, engine, service="shop", site="lab") == "org/1"


def test_only_what_verifies_and_says_so_moves_a_service() -> None:
    with pytest.raises(TypeError, match="moves a service"):
        action("toy.wrong", risk=Risk.WRITE, again=Again.KEYED, result=Moved, moves_service=True)(
            type("Wrong", (_Base,), {"__module__": __name__, "__doc__": "Wrong."})
        )
