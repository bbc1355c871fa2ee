"""Jira of the sandbox."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from playbooks.connectors.jira import Jira
from tests.patience import CONNECT_S, READ_S


@pytest.fixture
async def jira(env: dict[str, str]) -> AsyncIterator[Jira]:
    one = Jira(env["JIRA_URL"], env["JIRA_TOKEN"], env["JIRA_PROJECT"], connect_timeout=CONNECT_S, read_timeout=READ_S)
    yield one
    await one.close()
