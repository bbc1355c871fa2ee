"""The forms of a run are legal for Slack whatever a playbook asks for, and offer what policy and playbook name."""

from __future__ import annotations

from typing import Any

from bot.render import running
from bot.render.forms import Origin
from bot.sandbox.slack import views
from bot.sandbox.world import World
from playbooks.engine.load import load_text
from playbooks.policy import parse_policy

POLICY = parse_policy(
    "severities: {sev1: {title: outage}, sev2: {title: x}}\nservices: {shop: {tier: 1, rto: 15m, rpo: 5m, title: Shop}}\n"
    "sites: {west: {title: Ireland, kind: standby}}\n"
)
TEXT = """name: mine/all
title: Everything there is to ask
description: |
  Use when all of it is wanted.

  And more that nobody reads at night.
inputs:
  service: { type: service }
  site: { type: site, required: false }
  severity: { type: string, description: how bad }
  count: { type: integer, required: false, default: 3 }
  really: { type: boolean, required: false, default: false }
  zone: { type: choice, choices: [north, south], required: false, default: south }
  who: { type: person, required: false }
  since: { type: time, required: false }
  text: { type: text, required: false }
  names: { type: list, required: false }
  within: { type: duration, required: false, default: 5m }
steps:
  - { id: look, uses: aws.rds_describe, with: { instance: x } }
  - { id: move, uses: aws.rds_failover, with: { instance: x, from_zone: y } }
"""


def shown(given: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Input -> its block, of a form that the sandbox's Slack accepts."""
    view = running.inputs(
        "playbook run", load_text(TEXT, "mine/all.yaml"), POLICY, Origin("playbook run mine/all"), given
    )
    views.check(World(), view)
    return {one["element"]["action_id"]: one for one in view["blocks"] if one["type"] == "input"} | {"view": view}


def test_each_input_is_asked_by_its_type() -> None:
    found = shown({"service": "shop", "who": "<@U0BEN|ben>", "names": ["a", "b"]})
    element = {name.removeprefix("inputs."): one["element"] for name, one in found.items() if name != "view"}
    assert element["service"]["initial_option"]["value"] == "shop"
    assert [one["value"] for one in element["severity"]["options"]] == ["sev1", "sev2"], "policy says which there are"
    assert [one["value"] for one in element["site"]["options"]] == ["west"]
    assert element["count"] == {
        "type": "number_input", "is_decimal_allowed": False, "action_id": "inputs.count", "initial_value": "3"
    }  # fmt: skip
    assert (
        element["really"]["initial_option"]["value"] == "no" and element["zone"]["initial_option"]["value"] == "south"
    )
    assert element["who"] == {"type": "users_select", "action_id": "inputs.who", "initial_user": "U0BEN"}
    assert element["names"]["initial_value"] == "a, b" and element["within"]["initial_value"] == "5m"
    assert not found["inputs.service"]["optional"] and found["inputs.site"]["optional"]
    said = str(found["view"]["blocks"])
    assert "step 2 is destructive and waits for approval" in said and "nobody reads" not in said


def test_every_kind_of_playbook_is_offered() -> None:
    titles = {f"kind{n % 3}/book-{n}": "A title " * 12 for n in range(250)}
    view = running.chooser("playbook plan", titles, Origin("playbook plan"))
    views.check(World(), view)
    groups = view["blocks"][-1]["element"]["option_groups"]
    assert {one["label"]["text"]: len(one["options"]) for one in groups} == {"kind0": 84, "kind1": 83, "kind2": 83}
