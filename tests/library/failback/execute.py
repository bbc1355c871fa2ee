"""`failback/execute`: writer, pods, name and record are at the primary again; the other site stands by; nothing is lost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from playbooks.connectors.aws import AwsReads
from playbooks.connectors.dns import DnsReads
from playbooks.connectors.postgres import PostgresReads
from playbooks.secrets import SecretRef
from storage import placements, runs
from tests.library.away import HOME, NAME, following
from tests.library.entry import Entry
from tests.library.prepared import deployed, letter
from tests.library.stage import Stage


async def window(stage: Stage, run: str, step: Any) -> None:
    """In an hour."""
    opens = datetime.now(UTC) + timedelta(hours=1)
    words = {"day": "Sunday", "begins": "22:00 UTC", "ends": "22:30 UTC"}
    await stage.crew.reply(step, {"opens": f"{opens:%Y-%m-%dT%H:%MZ}", **words})


async def returned(stage: Stage) -> None:
    assert not (await stage.tool(AwsReads).rds_instance("orders-db")).replica_of
    assert (await stage.tool(PostgresReads).server(SecretRef("env://CHECKOUT_DSN"))).writable
    assert (await stage.tool(DnsReads).ask(NAME, "CNAME", stage.sandbox.resolver.address)).values == HOME
    assert (await deployed(stage, "production-dr", "samia-tarot-app")).replicas == 1
    home = await deployed(stage)
    assert home.replicas == 3 and home.rollout().done
    placed = await stage.db.read(lambda tx: placements.newest(tx, "checkout"))
    assert placed is not None and (placed.was, placed.site) == ("secondary", "primary")
    (run,) = await stage.db.read(lambda tx: runs.of_incident(tx, str(stage.incident)))
    (activated,) = [step for step in await stage.steps(run.id) if step.id == "activate"]
    assert (activated.outputs or {})["rpo_s"] == 0
    mail = letter(stage)
    assert "from 22:00 UTC to 22:30 UTC" in mail["body"]


ENTRY = Entry(
    inputs={"service": "checkout"}, prepare=following, check=returned, answers={"window": window},
    skipped=("promote_standby",),
)  # fmt: skip
