"""`service/record`: what DNS, a marker and health show is what is recorded."""

from __future__ import annotations

from playbooks.connectors.postgres import Postgres
from playbooks.secrets import SecretRef
from storage import placements
from tests.library.entry import Entry
from tests.library.stage import Stage


async def well(stage: Stage) -> None:
    """The demo's checkout answers, and its database has had markers before."""
    stage.sandbox.settings.broken_zone = ""
    await stage.tool(Postgres).write_marker(SecretRef("env://CHECKOUT_DSN"), "before", "")


async def recorded(stage: Stage) -> None:
    """The record says primary."""
    placed = await stage.db.read(lambda tx: placements.newest(tx, "checkout"))
    assert placed is not None
    assert placed.site == "primary"


ENTRY = Entry(inputs={"service": "checkout", "site": "primary"}, prepare=well, check=recorded)
