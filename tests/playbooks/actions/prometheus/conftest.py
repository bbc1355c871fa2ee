"""Prometheus of the sandbox."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from playbooks.connectors.prometheus import PrometheusReads
from tests.patience import CONNECT_S, READ_S


@pytest.fixture
async def prometheus(env: dict[str, str]) -> AsyncIterator[PrometheusReads]:
    one = PrometheusReads(env["PROMETHEUS_URL"], connect_timeout=CONNECT_S, read_timeout=READ_S)
    yield one
    await one.close()
