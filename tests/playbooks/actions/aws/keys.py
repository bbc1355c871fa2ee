"""An IAM user with an access key, made in the stand-in as its owner would."""

from __future__ import annotations

from playbooks.connectors.aws import Aws


async def made_key(aws: Aws, user: str = "deploy") -> str:
    """The id of a new, active key."""
    await aws._call("iam", "create_user", write=True, UserName=user)
    made = await aws._call("iam", "create_access_key", write=True, UserName=user)
    return str(made["AccessKey"]["AccessKeyId"])
