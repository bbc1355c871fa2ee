"""`contain/leaked-key`: the key is gone, the secret holds a new one, pods have it, and the privacy officer knows."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from playbooks.connectors.aws import Aws, AwsReads
from tests.library.entry import Entry
from tests.library.prepared import deployed, healthy
from tests.library.stage import CHANNEL, Stage
from tests.playbooks.actions.aws.keys import made_key


async def before(stage: Stage) -> None:
    await healthy(stage)
    stage.keep["key"] = await made_key(stage.tool(Aws))
    stage.keep["revision"] = (await deployed(stage)).revision


def inputs(stage: Stage) -> Mapping[str, Any]:
    since = datetime.now(UTC) - timedelta(days=1)
    return {
        "key": stage.keep["key"], "service": "checkout", "secret": "checkout/api", "since": f"{since:%Y-%m-%dT%H:%M:%SZ}"
    }  # fmt: skip


async def answered(stage: Stage) -> None:
    aws = stage.tool(AwsReads)
    (left,) = await aws.iam_user_keys("deploy")
    assert left.active and left.id != stage.keep["key"]
    held = json.loads(await asyncio.to_thread(aws.secret_value, "checkout/api"))
    assert held["AWS_ACCESS_KEY_ID"] == left.id and held["token"] == "old-token"
    assert (await deployed(stage)).revision > stage.keep["revision"]
    assert len([text for text in stage.posts(CHANNEL) if "closed at AWS" in text]) == 1
    (mail,) = stage.sandbox.mail.kept
    assert "about 40 customers" in mail["body"] and "privacy@example.com" in mail["to"]


ENTRY = Entry(
    inputs=inputs, prepare=before, check=answered,
    answers={
        "accessed": ("accessed", "12 exports in audit_logs"),
        "breach": {"nature": "a leaked key", "people": "about 40 customers", "consequences": "letters in their name"},
    },
)  # fmt: skip
