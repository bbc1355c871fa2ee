"""A playbook as a runbook: every word of its YAML is there, and what a reader must know of each step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from bot.render.runbook import head_of, kind_of, runbook
from playbooks.engine.library import Library
from playbooks.engine.load import load_text
from playbooks.engine.model import Playbook

LIBRARY = Library()
TEXT = """# When:    something is on fire
#          and nobody answers.
# Undone:  cannot be undone.
name: toy/fire
title: Put it out
description: Use when it burns.
inputs:
  what: { type: string, description: what burns | smokes }
  how: { type: choice, choices: [water, sand], required: false, default: sand }
objectives: { rto: 5m }
steps:
  - id: sure
    uses: human.confirm
    with: { question: "Is `it` burning?" }
  - id: both
    parallel:
      a:
        - { id: call, uses: slack.post, if: incident.channel, with: { channel: C1, text: Fire }, retries: 3, on-failure: continue }
      b:
        - { id: look, uses: http.probe, with: { url: "http://x/health" } }
"""


def test_it_says_what_the_file_says() -> None:
    page = runbook(load_text(TEXT, "toy/fire.yaml"))
    for words in (
        "# Put it out", "- **When**: something is on fire and nobody answers.", "- **Undone**: cannot be undone.",
        "| `what` | string | what burns \\| smokes | yes |", "| `how` | one of water, sand |  | no: `sand` |",
        "Objectives: RTO `5m`.", "- question: ``Is `it` burning?``", "*At the same time (both):*",
        "`call`: `slack.post` (write, lane a)", "- only if `incident.channel`", "- when it fails, the run goes on",
        "- tried again up to 3 times", "- no undo: A message people have read cannot be unread.",
    ):  # fmt: skip
        assert words in page, words
    assert "Never reviewed." in page


def test_who_does_it() -> None:
    assert kind_of(load_text(TEXT, "toy/fire.yaml")) == "assisted"
    asks, does = TEXT.partition("  - id: both")[0], TEXT.replace("human.confirm", "slack.archive")
    assert kind_of(load_text(asks, "toy/fire.yaml")) == "human"
    assert (
        kind_of(load_text(does.replace('question: "Is `it` burning?"', "channel: C1"), "toy/fire.yaml")) == "automatic"
    )


@pytest.mark.parametrize("name", LIBRARY.names())
def test_every_built_in_playbook_is_readable(name: str) -> None:
    found = LIBRARY.find(name)
    page, head = runbook(found), head_of(found)
    assert {"When", "Changes", "Takes", "Undone"} <= set(head)
    assert all(words in page for words in head.values())
    for step in found.steps:
        assert f"`{step.id}`: `{step.uses}`" in page
        assert all(f"- {field}: " in page for field in step.with_)
    assert page.count("(destructive") == page.count("; waits for approval)")
    flat = " ".join(page.split())
    for said in words_of(found):
        assert said in flat, f"the file says it, the runbook does not: {said}"


def words_of(playbook: Playbook) -> Iterator[str]:
    """Everything the file says to people or hands to an action, as one line each."""
    yield from (playbook.title, " ".join(playbook.description.split()))
    for one in playbook.inputs:
        yield from (" ".join(one.description.split()).replace("|", "\\|"), *map(str, one.choices))
    yield from (f"{name.upper()} `{value}`" for name, value in playbook.objectives.items())
    for step in playbook.steps:
        yield from (step.title, *([step.if_] if step.if_ else []), *([step.stage] if step.stage else []))
        yield from leaves(step.with_)


def leaves(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, one in value.items():
            yield from (str(name), *leaves(one))
    elif isinstance(value, list | tuple):
        for one in value:
            yield from leaves(one)
    else:
        yield " ".join(str(value).split())
