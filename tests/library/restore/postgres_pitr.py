"""`restore/postgres-pitr`: a new instance with the service's network, named by the secret, used by restarted pods."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import Any

from playbooks.connectors.aws import Aws, AwsReads
from tests.library.entry import Entry
from tests.library.prepared import deployed, healthy
from tests.library.stage import Stage

NEW = "orders-db-1014"


async def before(stage: Stage) -> None:
    """The secret holds the address of a database that is really there."""
    await healthy(stage)
    await stage.tool(Aws)._call(
        "secretsmanager", "put_secret_value", write=True, SecretId="checkout/database-url",
        SecretString=os.environ["CHECKOUT_DSN"].replace("127.0.0.1", "localhost"),
    )  # fmt: skip
    stage.keep["revision"] = (await deployed(stage)).revision


async def moment(stage: Stage, run: str, step: Any) -> None:
    """Ten minutes ago, which AWS can restore."""
    at = datetime.now(UTC) - timedelta(minutes=10)
    await stage.crew.reply(step, {"restore_to": f"{at:%Y-%m-%dT%H:%M:%SZ}"})


async def restored(stage: Stage) -> None:
    aws = stage.tool(AwsReads)
    made, old = await aws.rds_instance(NEW), await aws.rds_instance("orders-db")
    assert made.status == "available" and made.multi_az and old.status == "available"
    backend = stage.sandbox.aws._backend("rds", "eu-north-1").databases[NEW]
    assert backend.db_subnet_group.name == "orders" and backend.vpc_security_group_ids == ["sg-orders"]
    assert await aws.secret_host("checkout/database-url") == made.endpoint
    assert (await deployed(stage)).revision > stage.keep["revision"]


ENTRY = Entry(
    inputs={"service": "checkout", "target": NEW}, prepare=before, answers={"point": moment, "right": "yes"},
    check=restored,
)  # fmt: skip
