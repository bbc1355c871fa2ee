"""`failover/secondary-site`: the replica is promoted, pods, balancer and name are at the other site, and so is the record."""

from __future__ import annotations

import os

from bot.sandbox.aws_seed import AWAY, AWAY_GROUP, AWAY_LISTENER, REPLICA
from playbooks.connectors.aws import AwsReads
from playbooks.connectors.dns import DnsReads
from playbooks.connectors.kubernetes import KubernetesReads
from storage import placements
from tests.library.entry import Entry
from tests.library.prepared import deployed, marked
from tests.library.stage import Stage


async def moved(stage: Stage) -> None:
    """What AWS, DNS, the cluster and the record show."""
    aws = stage.tool(AwsReads)
    instance = await aws.at(AWAY).rds_instance(REPLICA)
    assert not instance.replica_of
    assert dict((await aws.at(AWAY).elb_forwarding(AWAY_LISTENER)).weights) == {AWAY_GROUP: 1}
    heard = await stage.tool(DnsReads).ask("checkout.example.com", "CNAME", stage.sandbox.resolver.address)
    assert heard.values == ("secondary.checkout.example.com",)
    pods = await deployed(stage, "production-dr", "samia-tarot-app")
    assert pods.replicas == 3 and pods.rollout().done
    config = await stage.tool(KubernetesReads).config_map("production-dr", "app-config")
    assert config.data["DATABASE_URL"] == os.environ["CHECKOUT_SECONDARY_DSN"]
    placed = await stage.db.read(lambda tx: placements.newest(tx, "checkout"))
    assert placed is not None and (placed.was, placed.site) == ("primary", "secondary")


ENTRY = Entry(
    inputs={"service": "checkout"}, prepare=marked, check=moved, answers={"fenced": ("it cannot", "its security group lets nothing in")},
    skipped=("promote_standby",),
)  # fmt: skip
