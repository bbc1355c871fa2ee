"""A severity that is raised does what declaring it so would have done, once; lowering stops nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from storage import runs
from tests.conversations.conftest import POLICY, Town


async def ended(town: Town, run: str) -> str:
    """The state of this run once it has ended."""

    async def look() -> str | None:
        found = await town.read(lambda tx: runs.get(tx, run))
        return found.state if found and found.state in ("succeeded", "incomplete") else None

    state: str = await town.sb.wait_until(look, timeout=30)
    return state


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
async def test_raised_to_one_that_pages_it_pages_once(town: Town, tmp_path: Path) -> None:
    """And a sev3, which pages nobody, has a ticket; its clock for mail to customers runs out, and somebody is told."""
    before, rest = POLICY.read_text(encoding="utf-8").rsplit("customer_mail_within: 24h", 1)
    quick = tmp_path / "quick.yaml"
    quick.write_text(f"{before}customer_mail_within: 2s{rest}", encoding="utf-8")
    await town.muster(policy=quick)
    await town.sb.type("U0EVE", "#general", "/incident declare sev3 checkout is slow service=checkout")
    channel = f"#{(await town.sb.find_channel('inc-'))['name']}"
    await town.sb.wait_for(channel, lambda m: m.button("Resolve") is not None)
    assert await ended(town, "INC-1/1") == "succeeded"
    assert (await town.sb.pagerduty())["incidents"] == []
    await town.sb.wait_for("@U0EVE", lambda m: "mail to affected customers was due by" in m.plain, timeout=60)
    await town.sb.wait_for(channel, lambda m: m.button("Resolve") is not None and "ticket" in m.plain)

    await town.says("U0EVE", channel, "/incident sev sev1 all shops are hit", "The on-call is being paged")
    assert await ended(town, "INC-1/2") == "succeeded"
    (page,) = (await town.sb.pagerduty())["incidents"]
    assert page["incident_key"] == "muster/INC-1" and page["status"] == "triggered"
    room = await _room(town, channel)
    assert {"U0BEN", "U0CHI", "U0EVE"} & set(room["members"]) >= {"U0BEN", "U0CHI"}, "whom sev1 invites is in"
    assert "sev1" in str(room["topic"])
    await town.sb.wait_for(channel, lambda m: "sev1" in m.plain and m.button("Resolve") is not None)

    await town.says("U0EVE", channel, "/incident sev sev3 it was one shop", "is *sev3* now")
    assert (await town.sb.pagerduty())["incidents"][0]["status"] == "triggered", "lowering stops nothing"
    await town.says("U0EVE", channel, "/incident sev sev2 or two", "The page says so too")
    assert await ended(town, "INC-1/3") == "succeeded"
    assert len((await town.sb.pagerduty())["incidents"]) == 1
    (ticket,) = await town.sb.get("jira")
    assert ticket["fields"]["summary"].startswith("INC-1 · sev3 · checkout is slow")
    # Eve is in no group: she is known by her name all the same, soon after her first ask.
    told = await town.says("U0EVE", channel, "/incident timeline", "declared")
    assert "Eve" in told.plain
    nobody = await town.says("U0EVE", channel, "/incident role commander <@U0NOBODY|nobody>", "does not know who")
    assert "Nothing was changed" in nobody.plain
    await town.proven()


async def _room(town: Town, name: str) -> dict[str, Any]:
    return next(one for one in await town.sb.channels() if f"#{one['name']}" == name)
