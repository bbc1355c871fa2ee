"""Slack's users and user groups, stood in for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox import SandboxClient

Refusal = Callable[[Awaitable[Any]], Awaitable[str]]


async def test_the_flags_that_decide_who_may_approve(web: AsyncWebClient) -> None:
    people = {u["id"]: u for u in (await web.users_list())["members"]}
    assert people["U0GUS"]["is_restricted"] and people["U0ZED"]["deleted"] and people["U0MUSTER"]["is_bot"]
    assert people["U0XIA"]["is_stranger"] and people["U0XIA"]["team_id"] == "T0OTHER"
    assert not people["U0ANA"]["is_restricted"] and people["U0ANA"]["profile"]["email"] == "ana@example.com"


async def test_email_needs_its_scope(web: AsyncWebClient, sb: SandboxClient, refusal: Refusal) -> None:
    assert (await web.users_lookupByEmail(email="Ben@Example.com"))["user"]["id"] == "U0BEN"
    assert await refusal(web.users_lookupByEmail(email="zed@example.com")) == "users_not_found"
    await sb.scopes(remove=["users:read.email"])
    assert "email" not in (await web.users_info(user="U0BEN"))["user"]["profile"]
    assert await refusal(web.users_lookupByEmail(email="ben@example.com")) == "missing_scope"


async def test_groups_and_their_people(web: AsyncWebClient, sb: SandboxClient, refusal: Refusal) -> None:
    groups = {g["handle"]: g for g in (await web.usergroups_list(include_users=True))["usergroups"]}
    assert groups["sre"]["users"] == ["U0BEN", "U0CHI"]
    await sb.group("sre", add=["U0EVE"], remove=["U0CHI"])
    assert (await web.usergroups_users_list(usergroup=groups["sre"]["id"]))["users"] == ["U0BEN", "U0EVE"]
    assert await refusal(web.usergroups_users_list(usergroup="S0NONE")) == "no_such_subteam"


async def test_a_person_may_be_deactivated(web: AsyncWebClient, sb: SandboxClient) -> None:
    await sb.user("U0BEN", deleted=True)
    assert (await web.users_info(user="U0BEN"))["user"]["deleted"] is True
