"""`dr/clean-environment`: a new database as of the safe time is what services read; the old one is kept as it was."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import Any

from playbooks.connectors.aws import Aws, AwsReads
from tests.library.entry import Entry
from tests.library.prepared import deployed, healthy
from tests.library.stage import Stage

NEW = "orders-db-clean"


async def before(stage: Stage) -> None:
    """The secret holds the address of a database that is really there."""
    await healthy(stage)
    await stage.tool(Aws)._call(
        "secretsmanager", "put_secret_value", write=True, SecretId="checkout/database-url",
        SecretString=os.environ["CHECKOUT_DSN"].replace("127.0.0.1", "localhost"),
    )  # fmt: skip
    stage.keep["revision"] = (await deployed(stage)).revision


async def moment(stage: Stage, run: str, step: Any) -> None:
    """Two hours ago: before the newest copy, after the one before it."""
    await stage.crew.reply(step, {"safe_time": f"{datetime.now(UTC) - timedelta(hours=2):%Y-%m-%dT%H:%M:%SZ}"})


async def clean(stage: Stage) -> None:
    aws = stage.tool(AwsReads)
    made, old = await aws.rds_instance(NEW), await aws.rds_instance("orders-db")
    assert made.status == "available" and old.status == "available"
    assert await aws.secret_host("checkout/database-url") == made.endpoint
    assert (await deployed(stage)).revision > stage.keep["revision"]
    (run,) = {step.run for step in await stage.steps(f"{stage.incident}/1")}
    (found,) = [step for step in await stage.steps(run) if step.id == "copies"]
    assert (found.outputs or {})["key"] == "checkout/older.sql.gz", "never one from after the safe time"


ENTRY = Entry(
    inputs={"service": "checkout", "target": NEW}, prepare=before, check=clean, not_planned=("instance",),
    answers={"safe": moment, "clean": ("yes", "built from source, scanned, tables compared")},
)  # fmt: skip
