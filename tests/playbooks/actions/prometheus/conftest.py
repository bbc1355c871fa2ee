"""Prometheus of the sandbox."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from playbooks.connectors.prometheus import PrometheusReads


@pytest.fixture
async def prometheus(env: dict[str, str]) -> AsyncIterator[PrometheusReads]:
    one = PrometheusReads(env["PROMETHEUS_URL"], connect_timeout=1.0, read_timeout=0.4)
    yield one
    await one.close()
