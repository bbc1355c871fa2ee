"""`host/ransomware-reopen`: new containers, scanned, then open to everybody; the responders have mail."""

from __future__ import annotations

from playbooks.connectors.http import HttpReads
from tests.library.entry import Entry
from tests.library.prepared import isolated, machine
from tests.library.stage import Stage


async def opened(stage: Stage) -> None:
    host = machine(stage)
    assert not host.rules and host.well
    health = stage.sandbox.env()["STOREFRONT_HEALTH_URL"]
    assert (await stage.tool(HttpReads).get(health)).status == 200
    assert {one["subject"] for one in stage.sandbox.mail.kept} == {"[INC-1] Ransomware at Storefront"}
    order = [index for index, line in enumerate(host.ran) if "scan-all" in line or "-D DOCKER-USER" in line]
    assert "scan-all" in host.ran[order[0]], "scanned before it was opened"
    assert sum("force-recreate" in line for line in host.ran) == 2


ENTRY = Entry(
    inputs={"service": "storefront"}, incident={"service": "storefront", "title": "files are encrypted"},
    prepare=isolated, check=opened, not_planned=("inside",),
)  # fmt: skip
