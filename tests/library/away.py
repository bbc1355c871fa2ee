"""checkout active at the other site, as failover/secondary-site leaves it: for entries that go on from there.

Belongs here: that state, made directly. Does not belong here: how it comes about (failover/secondary-site is played).
"""

from __future__ import annotations

from bot.sandbox.aws_seed import REPLICA
from playbooks.connectors.kubernetes import Kubernetes
from storage import placements
from tests.library.prepared import deployed, marked
from tests.library.stage import Stage

NAME, HOME, THERE = "checkout.example.com", ("primary.checkout.example.com",), ("secondary.checkout.example.com",)


async def away(stage: Stage) -> None:
    """The replica is promoted, DNS and the record say so, pods run there; both databases take writes again."""
    await stage.sandbox.database.start()
    name = stage.sandbox.database.name  # what a play before switched to read-only
    stage.sandbox.database.execute(
        f'SET TRANSACTION READ WRITE; ALTER DATABASE "{name}" RESET default_transaction_read_only'
    )
    await marked(stage)
    await stage.sandbox.replica.follows()
    corrections = await stage.sandbox.aws.corrections()
    corrections._promoted(corrections.instance(REPLICA))
    (await stage.sandbox.aws.route53()).change(NAME, "CNAME", THERE)
    there = await deployed(stage, "production-dr", "samia-tarot-app")
    await stage.tool(Kubernetes).set_replicas(there, 3, {"key": "before"})
    stage.sandbox.kubernetes.finish()
    await stage.db.write(
        lambda tx: placements.add(tx, service="checkout", site="secondary", was="primary", run="INC-0/1", step=15)
    )


async def following(stage: Stage) -> None:
    """The same, and the primary site's database was made anew as a replica of the active one."""
    await away(stage)
    corrections = await stage.sandbox.aws.corrections()
    home, there = corrections.instance("orders-db"), corrections.instance(REPLICA)
    home.source_db_instance_identifier, home.is_replica = REPLICA, True
    there.replicas = [*there.replicas, "orders-db"]
