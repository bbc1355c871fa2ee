"""`contain/reactivate-key`: two people agree, and the key works again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from playbooks.connectors.aws import Aws, AwsReads
from tests.library.entry import Entry
from tests.library.stage import Stage
from tests.playbooks.actions.aws.keys import made_key


async def prepare(stage: Stage) -> None:
    """A key that was closed."""
    key = stage.keep["key"] = await made_key(stage.tool(Aws))
    aws = stage.tool(Aws)
    await aws._call("iam", "update_access_key", write=True, UserName="deploy", AccessKeyId=key, Status="Inactive")


def inputs(stage: Stage) -> Mapping[str, Any]:
    """That key."""
    return {"key": stage.keep["key"]}


async def opened(stage: Stage) -> None:
    """It works again."""
    assert (await stage.tool(AwsReads).iam_access_key(stage.keep["key"])).active


ENTRY = Entry(inputs=inputs, prepare=prepare, check=opened)
