"""The story: declare, look, ask, decide, tell, resolve, as people see it."""

from __future__ import annotations

from typing import Any

from storage import documents


async def test_one_incident_from_declare_to_post_mortem(town: Any, muster: Any) -> None:
    channel = await town.declared()
    sb = town.sb
    await sb.acknowledge("muster/INC-1", "ben@example.com")
    await sb.wait_for(channel, lambda m: "acknowledged" in m.plain and "first to acknowledge" in m.plain)
    await town.says("U0BEN", channel, "/playbook plan failover/rds-multi-az service=checkout", "reboot orders-db")
    card = await town.asked(channel)
    await town.presses("U0ANA", channel, "Approve", card, "does not count")
    await town.presses("U0EVE", channel, "Approve", card, "Approving needs")
    await town.presses("U0BEN", channel, "Approve", card, "1 of 2")
    await town.presses("U0BEN", channel, "Approve", card, "already counts")
    assert await town.reboots() == 0
    await town.presses("U0CHI", channel, "Approve", card, "it starts now")
    await sb.wait_for(channel, lambda m: "finished" in m.plain and "failover/rds-multi-az" in m.plain, timeout=30)
    assert await town.writer_zone() == "eu-north-1b"
    assert await town.reboots() == 1
    done = await sb.wait_for(channel, lambda m: m.ts == card.ts and "started" in m.plain)
    assert not done.buttons, "the buttons are gone once it started"
    await sb.wait_until(lambda: _asleep(sb), timeout=60)
    await town.says("U0BEN", channel, "/incident resolve writer failed over", "resolved")
    await sb.wait_until(lambda: _has_file(sb, "INC-1-post-mortem.md"), timeout=60)
    assert all(
        one["status"] == "resolved" for one in (await sb.pagerduty())["incidents"] if "INC-1" in one["incident_key"]
    )
    assert await town.read(lambda tx: documents.of_stream(tx, "INC-1"))
    await town.proven()


async def _asleep(sb: Any) -> bool:
    """Who was called for the approval is not being called any more."""
    calls = [one for one in (await sb.pagerduty())["incidents"] if one["incident_key"].startswith("muster/INC-1/")]
    return len(calls) == 2 and all(one["status"] == "resolved" for one in calls)


async def _has_file(sb: Any, name: str) -> bool:
    return any(file["name"] == name for file in await sb.files())
