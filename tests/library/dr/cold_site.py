"""`dr/cold-site`: the copy is restored once into the empty database; the name and the record are at the cold site."""

from __future__ import annotations

from playbooks.connectors.dns import DnsReads
from storage import placements
from tests.library.entry import Entry
from tests.library.prepared import marked
from tests.library.stage import Stage


async def moved(stage: Stage) -> None:
    heard = await stage.tool(DnsReads).ask("checkout.example.com", "CNAME", stage.sandbox.resolver.address)
    assert heard.values == ("tertiary.checkout.example.com",)
    machine = stage.sandbox.hosts.by_name["cold"].machine
    assert machine.databases == {"checkout": "rows of checkout/daily.sql.gz"} and len(machine.files) == 1
    placed = await stage.db.read(lambda tx: placements.newest(tx, "checkout"))
    assert placed is not None and (placed.was, placed.site) == ("primary", "tertiary")


ENTRY = Entry(
    inputs={"service": "checkout"}, prepare=marked, check=moved,
    skipped=("restored",),
    answers={"accepted": ("yes", "there is no newer one"), "fenced": ("it cannot", "the provider shut both regions")},
    policy={  # what people built there, as the stand-ins have it
        "env://CHECKOUT_TERTIARY_DSN": "env://CHECKOUT_DSN",
        "${CHECKOUT_TERTIARY_HEALTH_URL:-https://cold.checkout.example.com/health}": "${CHECKOUT_CANARY_URL}",
    },
)  # fmt: skip
