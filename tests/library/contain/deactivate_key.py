"""`contain/deactivate-key`: one person who may approve is enough, and the key is closed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from playbooks.connectors.aws import Aws, AwsReads
from tests.library.entry import Entry
from tests.library.stage import Stage
from tests.playbooks.actions.aws.keys import made_key


async def prepare(stage: Stage) -> None:
    """Somebody's active key."""
    stage.keep["key"] = await made_key(stage.tool(Aws))


def inputs(stage: Stage) -> Mapping[str, Any]:
    """That key."""
    return {"key": stage.keep["key"]}


async def closed(stage: Stage) -> None:
    """It opens nothing any more."""
    assert not (await stage.tool(AwsReads).iam_access_key(stage.keep["key"])).active


ENTRY = Entry(inputs=inputs, prepare=prepare, check=closed, thorough=True)
