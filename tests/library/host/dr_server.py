"""`host/dr-server`: the service runs at the DR host from its off-site copies, and its name leads there."""

from __future__ import annotations

from playbooks.connectors.dns import DnsReads
from storage import placements
from tests.library.entry import Entry
from tests.library.prepared import machine
from tests.library.stage import Stage


async def lost(stage: Stage) -> None:
    """Production is gone; the DR host lies still."""
    await stage.sandbox.hosts.change({"name": "production", "unreachable": True})
    for one in machine(stage, "dr").containers.values():
        one.stop()


async def moved(stage: Stage) -> None:
    host = machine(stage, "dr")
    assert host.well and host.release == "origin/main"
    assert set(host.databases.values()) == {"rows of the newest off-site backup"}
    assert host.keys == "keys of the newest off-site backup"
    resolver = stage.sandbox.env()["STOREFRONT_RESOLVER"]
    assert (await stage.tool(DnsReads).ask("api.example.com", "A", resolver)).values == ("203.0.113.20",)
    now = await stage.db.read(lambda tx: placements.newest(tx, "storefront"))
    assert now is not None and now.site == "secondary"
    assert not machine(stage).ran, "the lost host was left alone"


ENTRY = Entry(
    inputs={"service": "storefront", "site": "secondary"}, incident={"service": "storefront"}, prepare=lost,
    answers={"fenced": "yes"}, check=moved,
    not_planned=("main", "ai", "integrity", "inside", "outside", "all_healthy"),
)  # fmt: skip
