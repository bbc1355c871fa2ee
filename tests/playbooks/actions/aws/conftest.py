"""Parts of the stand-in that take longer to load than a client waits here."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.sandbox.aws_seed import AWAY_GROUP, GROUP, MACHINES
from bot.sandbox.server import Sandbox
from playbooks.connectors.aws import Aws


@pytest.fixture(autouse=True)
def unhurried(sandbox: Sandbox) -> None:
    """What restarts takes long enough to be seen restarting, also where the machine halts for a moment."""
    sandbox.settings.reboot_seconds = 1.5


@pytest.fixture
async def patient(aws: Aws, env: dict[str, str]) -> AsyncIterator[Aws]:
    """A client that waits for a part of moto to load."""
    one = Aws(
        region=env["AWS_DEFAULT_REGION"], endpoint_url=env["AWS_ENDPOINT_URL"], access_key_id="sandbox",
        secret_access_key="sandbox", read_timeout=60.0,
    )  # fmt: skip
    yield one
    await one.close()


@pytest.fixture
async def machines(patient: Aws, sandbox: Sandbox) -> Any:
    """moto's EC2 at home, with checkout's two instances and their auto scaling group."""
    await patient.ec2_instances(MACHINES)
    await patient.scaling_group("checkout")
    await patient.elb_memberships((), ())
    return sandbox.aws._backend("ec2", "eu-north-1")


@pytest.fixture
async def balancers(patient: Aws) -> None:
    """moto's load balancers at home and away, with their machines."""
    await patient.elb_health(GROUP)
    await patient.at("eu-west-1").elb_health(AWAY_GROUP)
