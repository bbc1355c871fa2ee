"""`cache/bypass`: the switch says off where services read it, and they were restarted."""

from __future__ import annotations

from playbooks.connectors.kubernetes import KubernetesReads
from tests.library.entry import Entry
from tests.library.prepared import deployed, healthy
from tests.library.stage import Stage


async def off(stage: Stage) -> None:
    kept = await stage.tool(KubernetesReads).config_map("production", "app-config")
    assert kept.data["ENABLE_REDIS"] == "false" and (await deployed(stage)).rollout().done


ENTRY = Entry(inputs={"service": "checkout"}, prepare=healthy, check=off)
