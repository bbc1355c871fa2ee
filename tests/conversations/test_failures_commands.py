"""Every command, button, hook and timer through every failure around it: told exactly, once; done once or not at all.

Each is played at one prepared moment, first undisturbed; then it is delivered twice to a process that is killed with it
in hand; then the database goes away before its commit and just after it; then its handler breaks each time. Each time
Slack refuses the answer in another way, and record and answer are held against the undisturbed play. A new command
needs a line in every_command.py. What commands set off has test_failures_started.py.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, Self

import pytest
from sqlalchemy import URL

from commands.command import load_commands
from commands.timing import TIMERS
from tests.conversations.every_command import HERE, OTHERS, TYPED, Moment, Play, typed, typed_also
from tests.conversations.scene import Scene, opened
from tests.conversations.theatre import AWAY, Outcome, Stage, on_server, told_apart

pytestmark = pytest.mark.asyncio(loop_scope="module")
PLAYS = (*map(typed, sorted(TYPED)), *typed_also(), *OTHERS)
SAMPLE = ("incident declare", "playbook approve", "webhook acknowledged", "timer settle")
OUTAGE_S = 0.7


@dataclass
class Case:
    """One play, and what it leaves behind when nothing befalls it."""

    stage: Stage
    moment: Moment
    play: Play
    before: Outcome
    plain: Outcome

    @classmethod
    async def of(cls, stage: Stage, moment: Moment, play: Play) -> Self:
        await stage.rewind(play.first)
        before = await stage.outcome(play.user, HERE)
        await play.act(stage, moment)
        await stage.settled()
        plain = await stage.outcome(play.user, HERE)
        assert (not plain.warned or not play.person) and set(plain.states) == {"done"}, (
            f"it is right at this moment: {plain.said}"
        )
        assert not play.person or (plain.places == {"here"} and len(plain.said) == 1), "answered once"
        return cls(stage, moment, play, before, plain)

    async def replayed(self) -> None:
        """Back to the moment, then the same."""
        await self.stage.rewind(self.play.first)

    async def ended(self) -> Outcome:
        await self.stage.settled()
        return await self.stage.outcome(self.play.user, HERE)

    def same(self, found: Outcome, *, place: str = "here") -> None:
        """The command was done once, and the person heard exactly that, once, there."""
        apart = told_apart(found.shape, self.plain.shape)
        assert not apart, f"the record is as if nothing had befallen it: {apart}"
        assert found.states == self.plain.states, "one ask"
        if self.play.person:
            assert found.places == {place}
            assert "\n---\n".join(found.said) == "\n---\n".join(self.plain.said)

    async def fails(self, method: str, mode: str) -> None:
        if self.play.person:
            await self.stage.town.sb.fail("slack", method, mode, times=-1, retry_after=1)

    # --- what befalls it --------------------------------------------------------------------------------------------

    async def killed_and_delivered_twice(self) -> None:
        """Twice at the same moment to a process that is killed with it in hand, and once more when the next one has
        done it; and nobody can know whether the answer arrived."""
        sb, stage = self.stage.town.sb, self.stage
        await self.replayed()
        if self.play.person:
            await sb.fail("slack", "response_url", "close_after")
        known = {one["id"] for one in await sb.deliveries()}
        if self.play.kind:
            await sb.fail("delivery", self.play.kind, "duplicate_delivery")
        await stage.die()
        await self.play.act(stage, self.moment)
        if not self.play.kind:
            await self.play.act(stage, self.moment)
        await stage.rise()
        found = await self.ended()
        if self.play.kind:
            (first, *_) = [d for d in await sb.deliveries(self.play.kind) if d["id"] not in known]
            assert (await sb.redeliver(first["id"])).acked
            found = await self.ended()
        if self.play.person:
            assert 1 <= len(found.said) <= 2, "where nobody can know whether it arrived it is said again, once"
            assert set(found.said) == set(self.plain.said)
            found.said = self.plain.said
        self.same(found)

    async def database_gone(self) -> None:
        """Before the handler's commit, then just after it; and Slack takes neither answer nor ephemeral message."""
        await self.replayed()
        await self.fails("response_url", "error:expired_url")
        await self.fails("chat.postEphemeral", "missing_scope")
        self.stage.trouble.plan = ["gone", "lost"]
        await self.play.act(self.stage, self.moment)
        found = await self.ended()
        assert self.stage.trouble.plan == [], "it befell it twice"
        self.same(found, place="direct")

    async def broken(self) -> None:
        """A fault of ours at the very end of the handler, each time; and Slack is busy."""
        await self.replayed()
        await self.fails("response_url", "429")
        self.stage.trouble.plan = ["broken"] * 3
        await self.play.act(self.stage, self.moment)
        found = await self.ended()
        assert self.stage.trouble.plan == [] and found.states == ["dead"], "tried three times"
        spent = "code={code}" in TYPED.get(self.play.name, ("", ""))[1]
        for beside in (["factors", "proofs"] if spent else []) + ([] if self.play.person else ["timers"]):
            found.rows[beside] = self.before.rows[beside]
        apart = told_apart(found.rows, self.before.rows)
        assert not apart, f"nothing of it is kept: {apart}"
        if self.play.person:
            (said,) = found.said
            assert f"`/{self.play.words}`" in said and "planted" not in said
            assert ("one-time code you gave is spent" in said) is spent
            for words in (
                "broke inside Muster (ZeroDivisionError, tried 3 times)",
                "*Nothing of it was done*",
                "Try once more",
            ):
                assert words in said


async def through_all(scene: Scene, play: Play) -> Case:
    """Undisturbed, then through each failure."""
    case = await Case.of(*scene, play)
    for befalls in (case.killed_and_delivered_twice, case.database_gone, case.broken):
        try:
            await befalls()
        except (AssertionError, TimeoutError) as error:
            raise AssertionError(f"{play.name}, {befalls.__name__}: {error!r}") from error
    return case


async def test_every_command_and_timer_is_played() -> None:
    assert set(TYPED) == set(load_commands()), "a new command needs a line in every_command.py"
    assert {play.name for play in OTHERS} >= {f"timer {kind}" for kind in TIMERS}


@pytest.mark.parametrize("play", PLAYS, ids=lambda play: play.name)
async def test_every_failure(scene: Scene, play: Play) -> None:
    await through_all(scene, play)


async def test_a_fault_while_looking_outside_is_told_as_well(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before any transaction: the look at people and groups that a vote begins with."""
    stage, moment = scene
    case = await Case.of(stage, moment, typed("playbook approve"))

    async def breaks(*_: Any, **__: Any) -> None:
        raise KeyError("planted words")

    monkeypatch.setattr(stage.app.directory, "refresh_for_vote", breaks)
    await case.replayed()
    await case.play.act(stage, moment)
    found = await case.ended()
    assert found.states == ["dead"] and not told_apart(found.rows, case.before.rows)
    (said,) = found.said
    assert "`/playbook approve`" in said and "KeyError, tried 3 times" in said and "planted" not in said


async def test_on_postgresql(
    server: URL, pg_template: str, patched: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A sample through all of it; then the server takes no connection while two asks are in hand."""
    on_server(server, f"CREATE DATABASE every TEMPLATE {pg_template}")
    url = server.set(database="every", drivername="postgresql").render_as_string(hide_password=False)
    async with opened(url, tmp_path_factory.mktemp("every"), server, patched) as scene:
        stage, moment = scene
        cases = [await through_all(scene, play) for play in PLAYS if play.name in SAMPLE]
        assert len(cases) == len(SAMPLE)
        for case in cases[:2]:
            await case.replayed()
            await stage.die()
            await case.play.act(stage, moment)
            on_server(server, "ALTER DATABASE every ALLOW_CONNECTIONS false", AWAY.format("every"))
            await stage.next_worker()
            await asyncio.sleep(OUTAGE_S)  # the outage itself
            assert not [m for m in await stage.shown(HERE, case.play.user) if m.ts > stage.since]
            on_server(server, "ALTER DATABASE every ALLOW_CONNECTIONS true")
            case.same(await case.ended())
