"""A private incident does not exist for a stranger: every command, with its id and without, answers as for no incident.

The walk fills in each command's arguments by their kind, so a new command is walked without being named here.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from bot.render.forms import Origin
from bot.running import Running
from commands.command import load_commands
from commands.fields import fields_of
from playbooks.policy import parse_policy
from playbooks.policy_sections import Group
from storage import incidents
from storage.inbox import Ask
from tests.commands.conftest import POLICY

WORD = "vaultwhisper"
# What stands for each kind of argument; {} is the incident.
GIVEN = {
    "severity": "sev2", "role": "commander", "service": "checkout", "person": "<@UBEN|ben>", "time": "00:01",
    "incident": "{}", "run": "{}/1", "digest": "abcdef", "decision": "D-1", "code": "123456", "level": "region",
    "number": "1", "whom": "<@UBEN|ben>", "until": "30m", "alerts": "T-1", "message": "C42/1700000000.000100",
    "account": "slack:UBEN", "anybody": "<@UBEN|ben>",
}  # fmt: skip


@pytest.fixture(scope="session")
def policy() -> Any:
    """Everybody may do everything, but see private incidents."""
    open_to_all = "permissions: { administer: all, see_private: sec }\n"
    text = re.sub(r"permissions:.*\n", open_to_all, POLICY).replace(
        "groups:\n", 'groups:\n  all: { slack: "@all" }\n  sec: { slack: "@sec" }\n'
    )
    return parse_policy(text)


def line(words: str, cls: Any, incident: str | None) -> str:
    """The command with every argument by name; incident None: as somebody types it who names none."""
    said = [words]
    for field in fields_of(cls):
        kind = field.arg.kind
        if incident is None and kind in ("incident", "run"):
            continue
        if kind == "inputs":
            continue
        value = field.arg.choices[0] if kind == "choice" else GIVEN.get(kind, "x").format(incident)
        said.append(f'{field.name}="{value}"' if kind in ("line", "rest") else f"{field.name}={value}")
    return " ".join(said)


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
async def test_no_command_tells_a_stranger_of_it(talk: Any) -> None:
    await talk.member("Ana", "all")
    await talk.member("Eve", "all")
    await talk.member("Sam", "all", "sec")
    secret = await talk.declare(f"sev1 {WORD} keys were read service=checkout type=security", channel="CSECRET")
    talk.channel = "CTOWN"
    await talk("Ana", f"incident note {secret} {WORD} again")
    assert "restricted" in (await talk("Sam", "incident list")).text, "who may see it sees it"
    assert secret in (await talk("Ana", "incident list")).text, "and who declared it"
    assert await talk.read(lambda tx: incidents.get(tx, secret).private)
    nobody, told = "INC-777", 0
    for words, cls in load_commands().items():
        if words == "incident declare":
            continue
        about = {field.arg.kind for field in fields_of(cls)} & {"incident", "run"}
        for name in (secret, None):
            typed = line(words, cls, name)
            reply = await talk("Eve", typed)
            said = f"{reply.text} {json.dumps(reply.data)} {[b.model_dump() for b in reply.buttons]}"
            assert WORD not in said, typed
            if name is None:
                assert not re.search(rf"\b{secret}\b", said), (typed, said)
                continue
            if about:
                other = await talk("Eve", line(words, cls, nobody))
                # The same words as for one that is not there, but for the name that was asked for.
                assert reply.text.replace(secret, nobody) == other.text, typed
                told += not reply.ok
    assert told > 25, "the walk asks something of the commands"
    events = await talk.events(secret)
    eve = await talk.member("Eve", "all")
    assert not [event.type for event in events if event.actor == eve], "nor does she leave anything on it"


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
async def test_nor_does_a_form_or_a_link_to_what_is_said_there(talk: Any) -> None:
    await talk.member("Eve", "all")
    secret = await talk.declare(f"sev1 {WORD} service=checkout type=security", channel="CSECRET")
    open_ = await talk.declare("sev2 auth is slow service=auth", channel="CINCTWO")

    async def form(account: str, incident: str) -> str:
        line = f"playbook run failover/rds-multi-az incident={incident}"
        ask = Ask(key="k", kind="command", line=line, account_kind="slack", account=account, via="slack")
        return json.dumps(await Running(talk.house).view(ask, Origin(line)))

    assert await form("T1/UANA", secret) != (await form("T1/UANA", "INC-777")).replace("INC-777", secret)
    assert await form("T1/UEVE", secret) == (await form("T1/UEVE", "INC-777")).replace("INC-777", secret)

    for link in ("CSECRET/1700000000.000100", "DOTHERS/1700000000.000100"):
        reply = await talk("Eve", f"incident capture {link}")
        assert "no such message" in reply.text and not reply.ok, "she could not read it there"
    reply = await talk("Ana", "incident capture CSECRET/1700000000.000100")
    assert "is private" in reply.text and "Nothing was kept" in reply.text, "nor does who could put it before all"
    assert not await talk.events(open_, "capture.kept")
    assert "Kept" in (await talk("Ana", f"incident capture incident={secret} CSECRET/1700000000.000100")).text


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
async def test_who_may_is_also_said_by_name(talk: Any) -> None:
    """And the answer to all others is that of an incident there is not."""
    policy = talk.house.policy.model_copy(
        update={
            "groups": {"sec": Group(name="sec", people=("ben",))},
            "permissions": talk.house.policy.permissions.model_copy(update={"see_private": ("sec",)}),
        }
    )
    for who in ("Ana", "Ben", "Eve"):
        await talk.member(who)
    talk.house = talk.dispatch.house = replace(talk.house, policy=policy)
    secret = await talk.declare(f"sev3 {WORD} type=security", channel="CSECRET")
    await talk.house.directory.refresh_groups(policy)
    talk.channel = "CTOWN"
    assert secret in (await talk("Ben", f"incident status {secret}")).text
    other = await talk("Eve", "incident status INC-777")
    assert (await talk("Eve", f"incident status {secret}")).text == other.text.replace("INC-777", secret)
