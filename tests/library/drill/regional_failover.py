"""`drill/regional-failover`: the service was at the other site and is back; database, name and record say so."""

from __future__ import annotations

from bot.sandbox.host.pair import PRIMARY, REPLICA
from playbooks.connectors.dns import DnsReads
from storage import placements
from tests.library.entry import Entry
from tests.library.prepared import machine, nothing_left
from tests.library.stage import Stage


async def home(stage: Stage) -> None:
    await nothing_left(stage)
    host = machine(stage, "staging")
    assert host.pair.streams(PRIMARY) and len(host.pair.held[REPLICA]) == 1
    resolver = stage.sandbox.env()["STAGING_RESOLVER"]
    assert (await stage.tool(DnsReads).ask("staging.example.com", "A", resolver)).values == ("203.0.113.30",)
    now = await stage.db.read(lambda tx: placements.newest(tx, "corporate-intel"))
    assert now is not None and (now.was, now.site) == ("sandbox-west", "sandbox")


ENTRY = Entry(
    inputs={"service": "corporate-intel"}, incident={"service": "corporate-intel", "kind": "drill"}, kind="drill",
    site="sandbox-west", check=home, not_planned=("back", "dns_back"),
)  # fmt: skip
