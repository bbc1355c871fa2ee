"""A declare that ended with a failed step is not over for good: retry opens it again, for what failed and what it held up."""

from __future__ import annotations

import pytest

from storage import runs
from tests.conversations.conftest import Town


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
async def test_a_declare_that_ended_incomplete_is_opened_again(town: Town) -> None:
    await town.muster()
    await town.sb.fail("slack", "conversations.create", "error:restricted_action", times=-1)
    await town.sb.type("U0ANA", "#general", "/incident declare sev1 checkout is down service=checkout")
    told = await town.sb.wait_for(
        "#general", lambda m: "⚠️" in m.plain and "Open the channel" in m.plain, as_user="U0ANA"
    )
    assert "Again: `/playbook retry INC-1/1`" in told.plain
    run = await town.read(lambda tx: runs.get(tx, "INC-1/1"))
    assert run.state == "incomplete" and run.ended_at

    await town.sb.clear_faults()
    await town.says("U0BEN", "#general", "/playbook retry INC-1/1", "again")
    room = await town.sb.find_channel("inc-1-")
    done = await town.sb.wait_for("#general", lambda m: "is open" in m.plain, as_user="U0BEN", timeout=60)
    assert "✅" in done.plain, "who pressed it hears how it went"
    await town.sb.wait_for(room["name"], lambda m: m.button("Resolve") is not None)

    async def ended() -> bool:
        found = await town.read(lambda tx: runs.get(tx, "INC-1/1"))
        return bool(found.state == "succeeded")

    await town.sb.wait_until(ended, timeout=60)
    states = await town.read(lambda tx: {step.id: step.state for step in runs.steps_of(tx, "INC-1/1")})
    assert states["channel"] == states["invite"] == states["topic"] == states["link"] == "succeeded", states
    assert len((await town.sb.pagerduty())["incidents"]) == 1, "what had worked is not done again"
    (asked,) = await town.events("INC-1", "step.retry_asked")
    assert asked.body["anew"], "what was skipped for it"
    again = await town.says("U0BEN", "#general", "/playbook retry INC-1/1", "has ended")
    assert "succeeded" in again.plain
    await town.proven()


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
async def test_not_once_its_incident_has_ended(town: Town) -> None:
    await town.muster()
    await town.sb.fail("slack", "conversations.create", "error:restricted_action", times=-1)
    await town.sb.type("U0ANA", "#general", "/incident declare sev3 checkout is down service=checkout")
    await town.sb.wait_for("#general", lambda m: "⚠️" in m.plain and "Open the channel" in m.plain, as_user="U0ANA")
    await town.says("U0ANA", "#general", "/incident cancel INC-1 a false alarm", "INC-1")
    await town.sb.clear_faults()
    await town.says("U0BEN", "#general", "/playbook retry INC-1/1", "Nothing was started")
    assert not [one for one in await town.sb.channels() if one["name"].startswith("inc-")]
