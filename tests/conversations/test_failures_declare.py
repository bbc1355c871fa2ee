"""Declare through every failure of the services behind it: told what did not happen, nothing doubled, the rest done.

Policy is the example's with the status page published at once, so that every lane of `declare/default` is under way.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from shutil import copy
from typing import Any

import pytest

from bot.sandbox import Sandbox, SandboxClient
from bot.sandbox.client import Message
from storage import runs

EXAMPLE = Path(__file__).parents[2] / "muster.example.yaml"
SQLITE = pytest.mark.parametrize("url", ["sqlite"], indirect=True)
POSTGRESQL = pytest.mark.parametrize("url", ["postgresql"], indirect=True)
SILENCE_S = 3.0  # several towns share one processor; an answer given up too early is said twice
LINE = "/incident declare sev1 checkout is down service=checkout"
MODES = ("429", "500", "reset", "timeout_after", "close_after")
# Every call that declaring makes. after: how many calls of this name pass first.
POINTS: dict[str, tuple[str, str, int]] = {
    "trigger": ("pagerduty", "POST /v2/enqueue", 0),
    "verify": ("pagerduty", "GET /incidents", 0),
    "link": ("pagerduty", "POST /v2/enqueue", 1),
    "create": ("slack", "conversations.create", 0),
    "invite": ("slack", "conversations.invite", 0),
    "topic": ("slack", "conversations.setTopic", 0),
    "announce": ("slack", "chat.postMessage", 0),
    "board": ("slack", "chat.postMessage", 1),
    "redraw": ("slack", "chat.update", 0),
    "pin": ("slack", "pins.add", 0),
    "marker": ("statuspage", "GET /incidents/unresolved", 0),
    "publish": ("statuspage", "POST /incidents", 0),
    "published": ("statuspage", "GET /incidents/{id}", 0),
}


@pytest.fixture
def publishing(tmp_path: Path) -> Path:
    """The example policy, publishing at once for sev1."""
    path = tmp_path / "publishing.yaml"
    text = EXAMPLE.read_text().replace("mode: draft ", "mode: publish ", 1)
    assert text != EXAMPLE.read_text()
    path.write_text(text)
    return path


@asynccontextmanager
async def another(town: Any, url: str) -> AsyncIterator[Any]:
    """A second town beside the fixture's, on its own sandbox and database."""
    async with Sandbox(rate_factor=0) as sandbox, SandboxClient(sandbox.url) as sb:
        made = type(town)(sandbox, sb, url, town.monkeypatch)
        try:
            yield made
        finally:
            for app in made.apps:
                await app.stop()


async def answers(town: Any, user: str = "U0ANA", channel: str = "#general") -> list[str]:
    """What only this person was told, in order."""
    return [m.plain for m in await town.sb.messages(channel, user) if m.ephemeral_for == user]


async def told(town: Any, *words: str, timeout: float = 25.0) -> Message:
    """Ana's answer that says all of this."""
    return await town.sb.wait_for(
        "#general", lambda m: m.ephemeral_for and all(w in m.plain for w in words), as_user="U0ANA", timeout=timeout
    )


async def run_ended(town: Any, timeout: float = 45.0) -> Any:
    """The declare's run once it has ended."""

    async def look() -> Any:
        run = await town.read(lambda tx: runs.get(tx, "INC-1/1"))
        return run if run and run.state in ("succeeded", "incomplete", "aborted") else None

    return await town.sb.wait_until(look, timeout)


async def whole(town: Any) -> None:
    """Everything is there, once: page, channel, board, announcement, status page, and a calm last answer."""
    assert (await run_ended(town)).state == "succeeded"
    await told(town, "✅", "#inc-1-checkout-is-down", "paged (incident Q")
    await town.sb.wait_for("#inc-1-checkout-is-down", lambda m: m.button("Resolve") and "|page>" in m.plain)
    await town.sb.wait_for("#incidents", "<#C")
    await single(town)


async def single(town: Any) -> None:
    """Nothing is there twice."""
    sb = town.sb
    pages = (await sb.pagerduty())["incidents"]
    assert [one["incident_key"] for one in pages] == ["muster/INC-1"]
    channels = [c for c in await sb.channels() if c["name"].startswith("inc-")]
    assert [c["name"] for c in channels] == ["inc-1-checkout-is-down"]
    assert len([m for m in await sb.messages(channels[0]["name"]) if m.button("Resolve")]) == 1, "one board"
    assert len([m for m in await sb.messages("#incidents") if "INC-1" in m.plain]) == 1, "one announcement"
    assert len((await sb.statuspage())["incidents"]) == 1, "one status page incident"
    assert len(set(await answers(town))) == len(await answers(town)), "no answer is said twice"
    for text in await answers(town):
        assert "went wrong" not in text.lower()


async def one_failure(town: Any, url: str, policy: Path, point: str, mode: str) -> None:
    """A town of its own in which this call fails once in this way."""
    service, method, after = POINTS[point]
    async with another(town, url) as here:
        await here.muster(policy=policy, muster_read_timeout=SILENCE_S)
        await here.sb.wait_until(lambda: _directory_read(here))
        await here.sb.fail(service, method, mode, retry_after=1, after=after)
        try:
            await here.sb.type("U0ANA", "#general", LINE)
            await whole(here)
            suffered = [c for c in await here.sb.calls(service, method) if c["fault"] == mode]
            assert len(suffered) == 1, "the planned failure was met"
            await here.proven()
        except (AssertionError, TimeoutError) as error:
            shown = "\n".join(await answers(here))
            raise AssertionError(f"{point} with {mode}: {error}\nAna was told:\n{shown}") from error


async def _directory_read(town: Any) -> Any:
    return await town.sb.calls("slack", "usergroups.list")


@SQLITE
@pytest.mark.parametrize("point", ["trigger", "create", "invite", "publish", "board", "redraw"])
async def test_one_failure_of_any_call_ends_well(
    town: Any, sqlite_template: Path, publishing: Path, tmp_path: Path, point: str
) -> None:
    """All ways of failing at once, each in a town of its own: they wait for different things, not for each other."""
    for mode in MODES:
        copy(sqlite_template, tmp_path / f"{mode}.db")
    ways = [one_failure(town, f"sqlite:///{tmp_path / mode}.db", publishing, point, mode) for mode in MODES]
    wrong = [error for error in await asyncio.gather(*ways, return_exceptions=True) if error is not None]
    assert not wrong, "\n\n".join(str(error) for error in wrong)


async def all_failures(town: Any, policy: Path, mode: str) -> None:
    """Every single call of the declare fails its first time in this way."""
    await town.muster(policy=policy, muster_read_timeout=SILENCE_S)
    await town.sb.wait_until(lambda: _directory_read(town))
    for point, (service, method, _) in POINTS.items():
        if point not in ("link", "board"):
            await town.sb.fail(service, method, mode, retry_after=1)
    await town.sb.type("U0ANA", "#general", LINE)
    await whole(town)
    left = [fault["method"] for fault in (await town.sb.state())["faults"]]
    assert left in ([], ["chat.update"]), f"{mode} was not met by {left}"
    await town.proven()


@POSTGRESQL
@pytest.mark.parametrize("mode", ["429", "close_after"])
async def test_every_call_failing_once_ends_well(town: Any, publishing: Path, mode: str) -> None:
    await all_failures(town, publishing, mode)


@SQLITE
async def test_every_call_failing_once_in_any_way_ends_well(
    town: Any, sqlite_template: Path, publishing: Path, tmp_path: Path
) -> None:
    async def one(mode: str) -> None:
        copy(sqlite_template, tmp_path / f"{mode}.db")
        async with another(town, f"sqlite:///{tmp_path / mode}.db") as here:
            await all_failures(here, publishing, mode)

    wrong = [error for error in await asyncio.gather(*map(one, MODES), return_exceptions=True) if error is not None]
    assert not wrong, "\n\n".join(str(error) for error in wrong)


@POSTGRESQL
async def test_whom_to_call_is_said_when_the_page_fails(town: Any, publishing: Path) -> None:
    """PagerDuty down: Ana is told within seconds whom to call; the channel and the status page are there; then it pages."""
    await town.muster(policy=publishing, muster_read_timeout=SILENCE_S)
    await town.sb.fail("pagerduty", "*", "500", times=-1)
    await town.sb.type("U0ANA", "#general", LINE)
    await town.sb.wait_for("#inc-1-checkout-is-down", lambda m: m.button("Resolve") is not None)
    warned = await told(town, "*Call the on-call: +1-555-0199 (Payments).*", "I keep trying")
    assert "PagerDuty" in warned.plain and "500" in warned.plain, "what happened"
    assert "#inc-1-checkout-is-down is open" in warned.plain, "what did happen"
    await town.sb.clear_faults("pagerduty")
    await whole(town)


@SQLITE
@pytest.mark.parametrize(
    ("mode", "says"),
    [
        ("429", "PagerDuty said 429"),
        ("error:forbidden", "PagerDuty refused trigger of muster/INC-1"),
    ],
)
async def test_a_page_that_stays_refused_says_so_and_how_to_page(
    town: Any, publishing: Path, mode: str, says: str
) -> None:
    await town.muster(policy=publishing, muster_read_timeout=SILENCE_S)
    await town.sb.fail("pagerduty", "POST /v2/enqueue", mode, times=-1, retry_after=1)
    await town.sb.type("U0ANA", "#general", LINE)
    await told(town, "⚠️", says, "*Call the on-call: +1-555-0199 (Payments).*")
    if mode.startswith("error:"):
        assert (await run_ended(town)).state == "incomplete"
    await town.sb.wait_for(
        "#inc-1-checkout-is-down",
        lambda m: m.button("Resolve") and "not reached" in m.plain and "*Call the on-call: +1-555-0199" in m.plain,
    )
    assert not (await town.sb.pagerduty())["incidents"]
    assert len((await town.sb.statuspage())["incidents"]) == 1


@SQLITE
@pytest.mark.parametrize(
    ("point", "mode", "says"),
    [
        ("create", "missing_scope", "scope"),
        ("create", "error:restricted_action", "conversations.create"),
        ("create", "500", "conversations.create"),
        ("invite", "missing_scope", "scope"),
        ("topic", "error:not_authorized", "conversations.setTopic"),
        ("publish", "error:unprocessable", "Statuspage"),
        ("marker", "429", "Statuspage said 429"),
    ],
)
async def test_a_step_that_stays_refused_is_told_and_stops_no_other(
    town: Any, publishing: Path, point: str, mode: str, says: str
) -> None:
    await town.muster(policy=publishing, muster_read_timeout=SILENCE_S)
    await town.sb.wait_until(lambda: _directory_read(town))
    service, method, _ = POINTS[point]
    await town.sb.fail(service, method, mode, times=-1, retry_after=1)
    await town.sb.type("U0ANA", "#general", LINE)
    await town.sb.wait_until(lambda: _paged(town))
    warned = await told(town, "⚠️", says)
    assert "by hand" in warned.plain.lower(), "what to do instead"
    assert "paged (incident Q" in warned.plain, "what did happen"
    if mode == "500":
        tried = [c for c in await town.sb.calls(service, method) if c["fault"]]
        assert 2 <= len(tried) <= 5, "tried again, later each time"
    else:
        assert (await run_ended(town)).state == "incomplete"
    said = ("I keep trying", "I am looking whether it happened", "I have stopped trying")
    assert any(one in warned.plain for one in said), "what Muster does about it"
    if point == "create":
        assert not [c for c in await town.sb.channels() if c["name"].startswith("inc-")]
    else:
        await town.sb.wait_for("#inc-1-checkout-is-down", lambda m: m.button("Resolve") is not None)
    published = (await town.sb.statuspage())["incidents"]
    assert len(published) == (0 if service == "statuspage" else 1)


async def _paged(town: Any) -> Any:
    return (await town.sb.pagerduty())["incidents"]


@SQLITE
async def test_a_taken_name_gives_the_next_free_one(town: Any, publishing: Path) -> None:
    await town.sb.change_channel("inc-1-checkout-is-down", create=True)
    await town.muster(policy=publishing)
    await town.sb.type("U0ANA", "#general", LINE)
    await told(town, "#inc-1-checkout-is-down-2 is open")
    taken = await town.sb.messages("#inc-1-checkout-is-down")
    assert not [m for m in taken if m.button("Resolve")], "an existing channel is never reused"


@SQLITE
async def test_neither_side_waits_for_the_other(town: Any, publishing: Path) -> None:
    """Slack answers nothing for a minute: the page is on the wire before that. Then the other way round."""
    await town.muster(policy=publishing)
    await town.sb.wait_until(lambda: _directory_read(town))
    await town.sb.latency("slack", 60.0)
    await town.sb.type("U0ANA", "#general", LINE)
    await town.sb.wait_until(lambda: _paged(town), timeout=30)
    await town.sb.latency("slack", 0.0)
    await whole(town)
    await town.sb.latency("pagerduty", 60.0)
    await town.sb.type("U0ANA", "#general", "/incident declare sev1 search is down")
    await town.sb.wait_for("#inc-2-search-is-down", lambda m: m.button("Resolve") is not None, timeout=30)
    await town.sb.latency("pagerduty", 0.0)


@POSTGRESQL
async def test_all_of_slack_down_still_pages_and_is_put_right_once(town: Any, publishing: Path) -> None:
    """The command came in, then Slack's Web API answers nothing for a while: page and status page go out meanwhile."""
    await town.muster(policy=publishing, muster_read_timeout=SILENCE_S)
    await town.sb.wait_until(lambda: _directory_read(town))
    await town.sb.fail("slack", "*", "503", times=-1)
    await town.sb.type("U0ANA", "#general", LINE)
    await town.sb.wait_until(lambda: _paged(town))
    await town.sb.wait_until(lambda: _refused_often(town), timeout=30)
    await town.sb.clear_faults("slack")
    await whole(town)


async def _refused_often(town: Any) -> bool:
    """The channel was asked for, and looking for it went unanswered as often as a short look lasts."""
    return len([c for c in await town.sb.calls("slack", "auth.test") if c["fault"]]) >= 3


@SQLITE
async def test_the_board_is_shown_where_people_are_when_no_channel_opens(town: Any, publishing: Path) -> None:
    await town.muster(policy=publishing)
    await town.sb.fail("slack", "conversations.create", "error:restricted_action", times=-1)
    await town.sb.type("U0ANA", "#general", LINE)
    await town.sb.wait_for("#general", lambda m: m.button("Resolve") is not None, timeout=60)
    await town.sb.wait_for("#incidents", "channel follows")


@SQLITE
async def test_everything_failing_for_good_is_told_line_by_line(town: Any, publishing: Path) -> None:
    """Every lane refused: one line each, in one answer, and the telephone."""
    await town.muster(policy=publishing)
    await town.sb.wait_until(lambda: _directory_read(town))
    await town.sb.fail("pagerduty", "POST /v2/enqueue", "error:forbidden", times=-1)
    await town.sb.fail("slack", "conversations.create", "error:restricted_action", times=-1)
    await town.sb.fail("statuspage", "*", "error:forbidden", times=-1)
    await town.sb.type("U0ANA", "#general", LINE)
    warned = await told(town, "⚠️", "Page the on-call", "Open the channel", "Publish on the status page")
    assert "+1-555-0199" in warned.plain
    assert "nothing is done yet" in warned.plain
    assert warned.plain.count("⚠️") >= 4
