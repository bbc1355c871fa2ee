"""`jira.link`: to an address or a ticket, once."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from bot.sandbox.client import SandboxClient
from playbooks.action import Again
from playbooks.actions.jira.create import Create
from playbooks.actions.jira.link import Link
from playbooks.connectors.jira import Jira
from playbooks.errors import Refused, Uncertain


async def test_links_are_made_once(world: Any, act: Any, jira: Jira, sb: SandboxClient) -> None:
    for marker in ("INC-42", "INC-43"):
        await Create(summary=marker, marker=marker).run(act(jira, key=marker))
    address = Link(ticket="OPS-1", url="https://muster.example.com/incidents/INC-42", title="INC-42")
    assert (await address.plan(world(jira))).effect == "Link OPS-1 to https://muster.example.com/incidents/INC-42"
    for mode in ("", "timeout_after"):
        if mode:
            await sb.fail("jira", "POST /issue/{key}/remotelink", mode)
            with pytest.raises(Uncertain):
                await address.run(act(jira))
        done = await address.run(act(jira))
    assert (await address.verify(world(jira), done)).ok is True and Link.again is Again.KEYED
    issue = Link(ticket="OPS-1", to="OPS-2")
    await sb.fail("jira", "POST /issueLink", "close_after")
    with pytest.raises(Uncertain):
        await issue.run(act(jira))
    done = await issue.run(act(jira))
    assert (await issue.verify(world(jira), done)).text == "OPS-1 is linked to OPS-2"
    one, two = await sb.get("jira")
    assert len(one["remote"]) == 1 and len(one["fields"]["issuelinks"]) == len(two["fields"]["issuelinks"]) == 1
    assert len(await sb.calls("jira", "POST /issueLink")) == 1
    for wrong, words in (({"to": "OPS-9"}, "404"), ({"to": "OPS-2", "kind": "Eats"}, "No issue link type")):
        step = Link(ticket="OPS-1", **wrong)
        with pytest.raises(Refused, match=words):
            await step.plan(world(jira))
            await step.run(act(jira))
    for bad in ({}, {"url": "https://a", "to": "OPS-2"}, {"to": "ops 2"}, {"url": "javascript:x"}):
        with pytest.raises(ValidationError):
            Link(ticket="OPS-1", **bad)
