"""Modals of every command fit Slack's limits, and what is typed into them comes back as fields."""

from __future__ import annotations

import pytest

from bot.render.forms import Origin, read_origin, read_values, write_origin
from bot.render.modal import one_field, view
from commands.command import load_commands
from playbooks.policy import parse_policy

POLICY = parse_policy(
    "severities: {sev1: {title: outage}, sev2: {title: x}}\nservices: {shop: {tier: 1, rto: 15m, rpo: 5m}}\n"
    "roles: {commander: {title: Incident commander}}\n"
)
COMMANDS = load_commands()


@pytest.mark.parametrize("words", list(COMMANDS))
def test_every_command_has_a_legal_modal(words: str) -> None:
    found = view(COMMANDS[words], Origin(words, "C1"), POLICY)
    assert len(found["title"]["text"]) <= 24 and len(found["submit"]["text"]) <= 24
    assert len(found["private_metadata"]) <= 3000 and len(found["blocks"]) <= 100
    inputs = [block for block in found["blocks"] if block["type"] == "input"]
    assert len({block["block_id"] for block in inputs}) == len(inputs)
    for block in inputs:
        assert 1 <= len(block["label"]["text"]) <= 2000
        element = block["element"]
        for option in element.get("options", []):
            assert len(option["text"]["text"]) <= 75 and len(option["value"]) <= 75
        if element["type"] == "plain_text_input":
            assert element["max_length"] <= 3000


def test_declare_offers_the_policy() -> None:
    found = view(COMMANDS["incident declare"], Origin("incident declare"), POLICY)
    inputs = {block["element"]["action_id"]: block for block in found["blocks"] if block["type"] == "input"}
    assert [one["value"] for one in inputs["severity"]["element"]["options"]] == ["sev1", "sev2"]
    assert not inputs["title"]["optional"] and inputs["service"]["optional"]
    assert inputs["type"]["element"]["initial_option"]["value"] == "normal"


def test_a_button_asks_for_one_field() -> None:
    found = one_field(COMMANDS["playbook deny"], "reason", Origin("playbook deny INC-1/2 9f2c", "C1"), POLICY)
    (block,) = [block for block in found["blocks"] if block["type"] == "input"]
    assert block["element"]["action_id"] == "reason" and not block["optional"]
    assert read_origin(found["private_metadata"]) == Origin("playbook deny INC-1/2 9f2c", "C1")


def test_values_come_back_by_name_and_untouched_fields_not_at_all() -> None:
    state = {"values": {
        "field.title": {"title": {"type": "plain_text_input", "value": " it is down "}},
        "field.severity": {"severity": {"type": "static_select", "selected_option": {"value": "sev1"}}},
        "field.person": {"person": {"type": "users_select", "selected_user": "U1"}},
        "field.service": {"service": {"type": "static_select", "selected_option": None}},
        "field.reason": {"reason": {"type": "plain_text_input", "value": None}},
    }}  # fmt: skip
    values, blocks = read_values(state)
    assert values == {"title": "it is down", "severity": "sev1", "person": "<@U1>"}
    assert blocks["reason"] == "field.reason"


@pytest.mark.parametrize("text", ["", "x", "[]", "{}", '{"line": ""}'])
def test_modals_of_others_are_not_ours(text: str) -> None:
    assert read_origin(text) is None


def test_an_origin_survives_the_journey() -> None:
    origin = Origin('incident note ü "q"', "C1", "5.6", "https://x.example/1")
    assert read_origin(write_origin(origin)) == origin
