"""`failover/region`: promoted, the plan people saw applied once, traffic and webhooks sent there, and recorded."""

from __future__ import annotations

from bot.sandbox.aws_seed import AWAY, REPLICA
from playbooks.connectors.aws import AwsReads
from playbooks.connectors.dns import DnsReads
from storage import placements
from tests.library.entry import Entry
from tests.library.prepared import machine, marked
from tests.library.stage import Stage


async def moved(stage: Stage) -> None:
    assert not (await stage.tool(AwsReads).at(AWAY).rds_instance(REPLICA)).replica_of
    host = machine(stage, "dr")
    assert sum("terraform apply" in line for line in host.ran) == 1
    taken = [(one["hook"], one["body"]["region"]) for one in stage.sandbox.outside.taken]
    assert taken == [("service_discovery", "eu-west-1"), ("webhook_replay", "eu-west-1")]
    heard = await stage.tool(DnsReads).ask("checkout.example.com", "CNAME", stage.sandbox.resolver.address)
    assert heard.values == ("secondary.checkout.example.com",)
    placed = await stage.db.read(lambda tx: placements.newest(tx, "checkout"))
    assert placed is not None and (placed.was, placed.site) == ("primary", "secondary")


ENTRY = Entry(
    inputs={"service": "checkout"}, prepare=marked, check=moved,
    answers={"fenced": ("both are so", "its security group lets nothing in; the plan adds two and destroys none")},
)  # fmt: skip
