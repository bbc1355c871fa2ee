"""Parts of the stand-in that take longer to load than a client waits here."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.aws_seed import MACHINES
from bot.sandbox.server import Sandbox
from playbooks.connectors.aws import Aws


@pytest.fixture
async def machines(aws: Aws, sandbox: Sandbox, env: dict[str, str]) -> Any:
    """moto's EC2 at home, with checkout's two instances and their auto scaling group, asked once by a patient client."""
    patient = Aws(
        region=env["AWS_DEFAULT_REGION"], endpoint_url=env["AWS_ENDPOINT_URL"], access_key_id="sandbox",
        secret_access_key="sandbox", read_timeout=60.0,
    )  # fmt: skip
    await patient.ec2_instances(MACHINES)
    await patient.scaling_group("checkout")
    await patient.close()
    return sandbox.aws._backend("ec2", "eu-north-1")
