"""`/playbook run` as forms: which playbook, what it asks for by type, errors at the field, and then a run like any other.

One town for all of it. Does not belong here: what a run does (test_story.py).
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.conversations.conftest import POLICY
from tests.conversations.test_approvals_votes import BEN, EVE


def elements(view: Any) -> dict[str, Any]:
    """Action id -> element of a form."""
    return {one["element"]["action_id"]: one["element"] for one in view.blocks if one["type"] == "input"}


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
async def test_a_playbook_is_run_by_its_forms(town: Any) -> None:
    policy = town.folder / "muster.yaml"
    policy.write_text(POLICY.read_text("utf-8").replace("  run: everyone ", "  run: sre "), encoding="utf-8")
    await town.muster(policy=policy)
    sb, channel = town.sb, await town.declared()

    async def opened(user: str, where: str, line: str) -> Any:
        await sb.type(user, where, line)
        (view,) = await sb.wait_until(lambda: sb.views(user))
        return view

    # The board's button asks which one, and keeps the incident it was pressed for.
    board = await sb.wait_for(channel, lambda m: m.button("Run playbook") is not None)
    await sb.click(BEN, channel, "Run playbook", ts=board.ts)
    (view,) = await sb.wait_until(lambda: sb.views(BEN))
    await sb.submit(BEN, {"playbook": "failover/rds-multi-az"}, view_id=view.id)
    (view,) = await sb.views(BEN)
    assert '"playbook run failover/rds-multi-az incident=INC-1"' in view.private_metadata
    await sb.close_view(BEN, view.id)

    # Alone: which one, by kind; then what it asks for, begun with what the incident says.
    view = await opened(BEN, channel, "/playbook run")
    groups = {one["label"]["text"]: one["options"] for one in elements(view)["playbook"]["option_groups"]}
    assert {"failover", "restore", "contain"} <= set(groups)
    said = await sb.submit(BEN, {"playbook": "failover/rds-multi-az"}, view_id=view.id)
    assert said.body["response_action"] == "update"
    (view,) = await sb.views(BEN)
    assert "destructive and waits for approval" in view.plain and "incident" not in elements(view)
    assert elements(view)["inputs.service"]["initial_option"]["value"] == "checkout"
    await sb.submit(BEN, {}, view_id=view.id)
    card = await sb.wait_for(channel, lambda m: m.button("Approve") is not None, timeout=60)
    assert "failover/rds-multi-az" in card.plain
    assert await town.events("INC-1", "run.requested")

    # Typed with a name that needs more: its form at once. A wrong value is told at its field, and nothing is asked for.
    view = await opened(BEN, "#general", "/playbook run contain/leaked-key service=checkout")
    fields = elements(view)
    assert fields["inputs.service"]["initial_option"]["value"] == "checkout"
    assert [one["value"] for one in fields["incident"]["options"]] == ["INC-1"], "outside a channel one may be chosen"
    filled = {"inputs.key": "AKIAX", "inputs.secret": "orders/key", "inputs.since": "quarter past"}
    said = await sb.submit(BEN, filled, view_id=view.id)
    assert said.body["response_action"] == "errors" and list(said.body["errors"]) == ["field.inputs.since"]
    assert "quarter past" in said.body["errors"]["field.inputs.since"]
    assert not (await town.events("org", "run.requested"))
    await sb.submit(BEN, {**filled, "inputs.since": "00:00", "incident": "INC-1"}, view_id=view.id)
    await sb.wait_for(
        "#general", lambda m: m.ephemeral_for == BEN and "contain/leaked-key is asked for" in m.plain, as_user=BEN
    )
    assert "contain/leaked-key" in [e.body["playbook"] for e in await town.events("INC-1", "run.requested")]

    # A plan by the same form. Who may not run is told so by the same words as for a typed line.
    view = await opened(BEN, "#general", "/playbook plan")
    await sb.submit(BEN, {"playbook": "failover/rds-multi-az"}, view_id=view.id)
    (view,) = await sb.views(BEN)
    await sb.submit(BEN, {"inputs.service": "checkout"}, view_id=view.id)
    await sb.wait_for("#general", lambda m: m.ephemeral_for == BEN and "dry run" in m.plain, as_user=BEN, timeout=60)
    view = await opened(EVE, "#general", "/playbook run")
    await sb.submit(EVE, {"playbook": "failover/rds-multi-az"}, view_id=view.id)
    (view,) = await sb.views(EVE)
    await sb.submit(EVE, {"inputs.service": "checkout"}, view_id=view.id)
    await sb.wait_for("#general", lambda m: m.ephemeral_for == EVE and "Nothing was done" in m.plain, as_user=EVE)
    await town.proven()
