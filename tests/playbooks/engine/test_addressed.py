"""Whom a playbook's steps ask is held against the policy before anything starts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from playbooks.engine.addressed import unknown
from playbooks.engine.dry_run import dry_run
from playbooks.engine.library import BUILT_IN, Library, against
from playbooks.engine.load import load_text
from playbooks.engine.requests import start_run
from playbooks.errors import Refused
from playbooks.policy import parse_policy
from storage import runs
from tests.playbooks.engine.conftest import POLICY

ROLES = "roles: {tech_lead: {title: Tech lead, aliases: [ops]}}\n"
TEXT = """
name: own/asks
title: Asks
inputs: {team: {type: string, description: whom}}
steps:
  - {id: sure, uses: human.confirm, with: {question: Sure?, who: dbas}}
  - {id: list, uses: human.checklist, with: {title: Then, items: [Look, {text: Read, owner: ops}, {text: Go, owner: sr}]}}
  - {id: later, uses: human.choose, with: {question: Which?, options: [a, b], who: "${{ inputs.team }}"}}
  - {id: any, uses: human.fill_in, with: {question: What?, who: anyone, fields: [{name: x}]}}
"""
WRONG = [
    "step sure: who: dbas is neither a role nor a group of the policy (known: anyone, commander, sre, tech_lead)",
    "step list: items.2.owner: sr is neither a role nor a group of the policy, did you mean sre?",
]


async def test_it_is_refused_before_it_starts_and_said_by_the_doctor(stage: Any, tmp_path: Path) -> None:
    stage.policy = parse_policy(POLICY + ROLES)
    engine, playbook = stage.engine(), load_text(TEXT, "own/asks.yaml")
    more = {"inputs": {"team": "ops"}, "incident": None, "requester": stage.persons["ana"]}
    with pytest.raises(Refused) as refused:
        await stage.db.write(lambda tx: start_run(tx, engine, playbook=playbook, **more))
    assert refused.value.message.splitlines()[1:] == WRONG and "was not started" in refused.value.message
    assert await stage.db.read(lambda tx: runs.get(tx, "org/1")) is None
    (tmp_path / "own").mkdir()
    (tmp_path / "own/asks.yaml").write_text(TEXT, encoding="utf-8")
    said = [line for line in against(Library([BUILT_IN, tmp_path]), stage.policy) if line.startswith("own/asks")]
    assert said == [f"own/asks: {line}" for line in WRONG]
    right = load_text(TEXT.replace("dbas", "sre").replace("owner: sr}", "owner: tech_lead}"), "own/asks.yaml")
    assert await stage.db.write(lambda tx: start_run(tx, engine, playbook=right, **more)) == "org/1"


async def test_a_dry_run_looks_at_references_too(stage: Any) -> None:
    stage.policy = parse_policy(POLICY + ROLES)
    playbook = load_text(TEXT, "own/asks.yaml")
    planned = await dry_run(stage.engine().house, playbook, {"team": "nobdy"}, None)
    assert [step.state for step in planned.steps] == ["refused", "refused", "refused", "ok"]
    assert "who: nobdy is neither a role nor a group" in planned.steps[2].error


def test_what_always_means_somebody(stage: Any) -> None:
    bare = parse_policy("severities: {sev1: {title: a}}")
    for who in ("commander", "anyone", "everyone", "${{ service.owners }}"):
        assert unknown(bare, "human.confirm", {"question": "?", "who": who}) == []
    assert unknown(bare, "human.confirm", {"question": "?", "who": "ic"}) and unknown(bare, "toy.none", {}) == []
