"""The control API: typing as a person, reading a channel, planning failures."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox import Sandbox, SandboxClient
from bot.sandbox.client import Refused


async def test_refusals_are_sentences(sandbox: Sandbox, sb: SandboxClient) -> None:
    with pytest.raises(Refused, match="nobody is called U0WHO"):
        await sb.type("U0WHO", "#incidents", "x")
    with pytest.raises(Refused, match="no channel nowhere"):
        await sb.messages("#nowhere")
    with pytest.raises(Refused, match="no setting sped"):
        await sb.settings(sped=1)
    with pytest.raises(Refused, match="ack_seconds is a float"):
        await sb.settings(ack_seconds="soon")
    async with httpx.AsyncClient() as http:
        assert (await http.post(f"{sandbox.url}/control/type", json={"user": "U0ANA"})).status_code == 400


async def test_the_people_of_the_workspace_can_be_changed(sb: SandboxClient, web: AsyncWebClient) -> None:
    await sb.user("U0FAY", name="fay", email="fay@example.com")
    await sb.user("U0BEN", is_restricted=True)
    await sb.group("dba", add=["U0FAY"])
    assert (await web.users_lookupByEmail(email="fay@example.com"))["user"]["id"] == "U0FAY"
    assert (await web.users_info(user="U0BEN"))["user"]["is_restricted"] is True
    groups = (await web.usergroups_list(include_users=True))["usergroups"]
    assert {g["handle"]: g["users"] for g in groups}["dba"] == ["U0FAY"]
    with pytest.raises(Refused, match="a user has no colour"):
        await sb.user("U0BEN", colour="red")


async def test_waiting_says_what_is_there_instead(sb: SandboxClient) -> None:
    await sb.type("U0ANA", "#incidents", "hello")
    with pytest.raises(TimeoutError, match="hello"):
        await sb.wait_for("#incidents", "goodbye", timeout=0.1)
    assert (await sb.wait_for("#incidents", lambda m: m.user == "U0ANA")).text == "hello"


async def test_whoever_waits_for_a_channel_is_answered_when_it_changes(
    sb: SandboxClient, web: AsyncWebClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    stamp = (await sb.channel("incidents"))["stamp"]
    async with asyncio.timeout(40):
        same = await sb.get("channel/incidents", unlike=stamp)
    assert same["stamp"] == stamp, "where nothing changes, it is answered after a moment"
    monkeypatch.setattr("bot.sandbox.control_read.LOOK_S", 60.0)
    async with asyncio.timeout(40):
        waiting = asyncio.create_task(sb.get("channel/incidents", unlike=stamp))
        await web.auth_test()
        assert not waiting.done(), "a request that changes nothing there wakes nobody"
        posted = await web.chat_postMessage(channel="C0INCIDENTS", text="one")
        first = await waiting
        assert [row["text"] for row in first["messages"]] == ["one"]
        waiting = asyncio.create_task(sb.get("channel/incidents", unlike=first["stamp"]))
        await web.chat_update(channel="C0INCIDENTS", ts=posted["ts"], text="two")
        assert [row["text"] for row in (await waiting)["messages"]] == ["two"]


async def test_pages_are_acknowledged_by_people_with_an_account(sb: SandboxClient) -> None:
    await sb.post("pagerduty/trigger", title="t", incident_key="k")
    with pytest.raises(Refused, match="no PagerDuty account"):
        await sb.acknowledge("k", "U0EVE")
    await sb.acknowledge("k", "chi@example.com")
    incident = (await sb.pagerduty())["incidents"][0]
    assert incident["acknowledgements"][0]["acknowledger"]["summary"] == "Chi"
    with pytest.raises(Refused, match="no incident other"):
        await sb.resolve_page("other", "U0BEN")


async def test_acts_at_the_same_moment_are_answered_one_by_one(sb: SandboxClient) -> None:
    answers = await sb.together(
        {"act": "type", "user": "U0ANA", "channel": "#incidents", "text": "one"},
        {"act": "type", "user": "U0ZED", "channel": "#incidents", "text": "two"},
    )
    assert "ts" in answers[0] and "deactivated" in answers[1]["error"]
