"""Jira on the wire: Cloud and Data Center, errors in its own words."""

from __future__ import annotations

import pytest

from bot.sandbox.client import SandboxClient
from playbooks.connectors.answers import ServiceRefused
from playbooks.connectors.jira import Jira, JiraReads
from playbooks.errors import Temporary
from tests.patience import CONNECT_S, READ_S


async def test_it_finds_out_which_search_there_is(env: dict[str, str], sb: SandboxClient) -> None:
    one = Jira(
        env["JIRA_URL"] + "/", env["JIRA_TOKEN"], env["JIRA_PROJECT"], connect_timeout=CONNECT_S, read_timeout=READ_S
    )
    made = await one.create("a", "", kind="Bug", markers=("m",))
    await sb.post("jira", cloud=False)
    for _ in range(2):
        found = await one.find("m", "other")
        assert found is not None and found.key == made.key and found.url == f"{env['JIRA_URL']}/browse/{made.key}"
    paths = [call["method"] for call in await sb.calls("jira")]
    assert paths == ["POST /issue", "POST /search/jql", "POST /search", "POST /search"]
    assert await one.find("unknown") is None and await one.reach() == "signed in as Muster, project Operations (OPS)"
    with pytest.raises(ServiceRefused, match=r"404 Issue does not exist.*Check JIRA_URL") as missing:
        await one.issue("OPS-99")
    assert missing.value.code == "404"
    await sb.fail("jira", "GET /issue/{key}", "timeout_before")
    with pytest.raises(Temporary):
        await one.issue("OPS-1")
    await one.close()


async def test_a_wrong_token_is_said_and_not_repeated(env: dict[str, str], closed_port: int) -> None:
    one = JiraReads(env["JIRA_URL"], "personal-access-token", "OPS", connect_timeout=CONNECT_S, read_timeout=READ_S)
    with pytest.raises(ServiceRefused, match="Check JIRA_TOKEN") as refused:
        await one.find("m")
    assert "personal-access" not in str(refused.value)
    await one.close()
    gone = JiraReads(f"http://127.0.0.1:{closed_port}", "t", "OPS", connect_timeout=CONNECT_S)
    with pytest.raises(Temporary, match="could not be reached"):
        await gone.reach()
    await gone.close()
