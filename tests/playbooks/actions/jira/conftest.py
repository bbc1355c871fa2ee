"""Jira of the sandbox."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from playbooks.connectors.jira import Jira


@pytest.fixture
async def jira(env: dict[str, str]) -> AsyncIterator[Jira]:
    one = Jira(env["JIRA_URL"], env["JIRA_TOKEN"], env["JIRA_PROJECT"], connect_timeout=1.0, read_timeout=0.4)
    yield one
    await one.close()
