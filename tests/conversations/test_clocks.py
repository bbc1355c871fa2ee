"""Clocks as people meet them: nobody answers the page, the law's 72 hours, who is hit, what follows, not now."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bot.sandbox.client import Message
from tests.conversations.conftest import POLICY, Town

ANA, BEN, CHI, GUEST = "U0ANA", "U0BEN", "U0CHI", "U0GUS"


def has(*words: str) -> Callable[[Message], bool]:
    """Whether a message says all of this, whatever is bold in it."""
    return lambda m: all(one in m.plain.replace("*", "") for one in words)


async def board(town: Town, channel: str, *words: str, timeout: float = 15) -> Any:
    """The board, once it says all of this."""
    return await town.sb.wait_for(
        channel, lambda m: m.button("Resolve") is not None and has(*words)(m), timeout=timeout
    )


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
async def test_nobody_answers_and_the_next_layer_is_called(town: Town, tmp_path: Path) -> None:
    quick = tmp_path / "quick.yaml"
    quick.write_text(
        POLICY.read_text(encoding="utf-8").replace("acknowledge_within: 5m", "acknowledge_within: 3s", 1),
        encoding="utf-8",
    )
    await town.muster(policy=quick)
    channel = await town.declared()
    told = await town.sb.wait_for(
        f"@{ANA}", lambda m: "nobody has acknowledged" in m.plain and "calling the next layer" in m.plain, timeout=60
    )
    assert "+1-555-0199" in told.plain and "/incident ack INC-1" in told.plain
    await board(town, channel, "next layer called", timeout=60)
    (page,) = (await town.sb.pagerduty())["incidents"]
    assert [one["assignee"]["summary"] for one in page["assignments"]] == ["Chi"]
    await town.says(CHI, channel, "/incident ack", has("is acknowledged by Chi"))
    await board(town, channel, "acknowledged by Chi")
    runs = [one for one in await town.events("INC-1", "run.requested") if one.body["playbook"] == "comms/escalate"]
    assert len(runs) == 1, "called once, however often the clock ran out"

    # The law's clock: a form when typed bare, corrected and never reset, notified by somebody.
    await town.sb.type(ANA, channel, "/incident clock")
    view = await town.sb.wait_until(lambda: _view(town))
    await town.sb.submit(ANA, {"clock": "gdpr", "aware": "00:00", "reason": "an export was public"}, view_id=view.id)
    await board(town, channel, "GDPR breach notification: aware", "more than half left", "notify privacy")
    await town.says(BEN, channel, "/incident clock gdpr more of it", has("nothing resets it"))
    await town.says(BEN, channel, "/incident clock gdpr aware-since 2026-01-01T00:00 the log says so", has("was due"))
    late = await town.sb.wait_for(
        f"@{ANA}", lambda m: "GDPR" in m.plain and m.button("Snooze 1h") is not None, timeout=60
    )
    await town.sb.click(ANA, f"@{ANA}", "Snooze 1h", ts=late.ts)
    await town.sb.wait_for(f"@{ANA}", has("reminders about gdpr wait until"), as_user=ANA)
    await board(town, channel, "overdue")
    await town.sb.user("U0GUS", name="Gus", email="gus@example.com", is_restricted=True)
    await town.sb.change_channel(channel.removeprefix("#"), add=[GUEST])
    await town.says(GUEST, channel, "/incident notified gdpr", has("full members"))
    await town.says(BEN, channel, "/incident notified gdpr by=<@U0CHI|chi> reference 1187", has("It was due"))
    await board(town, channel, "notified by Chi", "late")

    # Who is hit, until when, what follows.
    await town.says(
        ANA, channel, '/incident impact users="12 % of checkouts" revenue="4 k a minute"', has("12 % of checkouts")
    )
    await town.says(ANA, channel, "/incident eta 45m the replica catches up", has("expected to be over"))
    await town.says(ANA, channel, "/incident service add auth", has("about checkout and auth"))
    await town.says(ANA, channel, "/incident followups add owner=<@U0BEN|ben> alarm on lag", has("f1"))
    await town.says(ANA, channel, "/incident mitigated the replica took over", has("is mitigated"))
    await board(
        town,
        channel,
        "mitigated",
        "Impact: 12 % of checkouts",
        "Expected to be over",
        "Sign-in (tier",
        "After it: f1 Ben",
    )
    await town.says(ANA, channel, "/incident resolve writer failed over", has("Retrospective due"))
    listed = await town.says(BEN, channel, "/incident followups", has("retrospective"))
    await town.presses(BEN, channel, "Done f1", listed, "f1 is done")
    await town.proven()


async def _view(town: Town) -> Any:
    return next(iter(await town.sb.views(ANA)), None)
