"""Help as somebody reads it who was woken a minute ago: what comes first, what is all there, what another word means."""

from __future__ import annotations

from typing import Any

import pytest

from commands import helping
from commands.command import TOPICS, load_commands


@pytest.mark.parametrize("topic", TOPICS)
def test_the_screen_begins_with_lines_to_type_and_names_every_command_once(topic: str) -> None:
    lines = helping.help_for(topic).text.split("\n")
    assert len(lines) <= 24 and sum(map(len, lines)) < 2900
    top = helping.first_of(topic)
    assert [f"`/{cls.examples[0]}`" in line for cls, line in zip(top, lines[1:], strict=False)] == [True] * len(top)
    rest = " ".join(lines[len(top) + 2 : -1])
    typed = [words.split()[1] for words, cls in load_commands().items() if words.startswith(f"{topic} ") and cls.group]
    below = [verb for verb in typed if f"{topic} {verb}" not in {cls.words for cls in top}]
    assert {verb: rest.count(f"`{verb}`") for verb in below} == dict.fromkeys(below, 1)


def test_what_is_needed_first_stands_first_and_the_record_last() -> None:
    assert [cls.words for cls in helping.first_of("incident")][:2] == ["incident declare", "incident status"]
    said = ["The record", "Look", "Never placed", "Start and end"]
    assert helping.in_order(said) == ["Start and end", "Look", "Never placed", "The record"]


def test_a_word_of_other_tools_means_one_command_of_its_topic() -> None:
    """What exists is found first, whatever else its word may mean."""
    for topic, verbs in helping.MEANT.items():
        said = [word for words in verbs.values() for word in words]
        assert len(said) == len(set(said)), topic


UNKNOWN = {
    "incident create sev1 x": "`/incident declare`",
    "incident decalre": "`/incident declare`",
    "incident approve INC-1/1": "`/playbook approve`",
    "playbook rollback INC-1/1": "`/playbook undo`",
    "incident help /incident decalre": "`/incident declare`",
    "incident help the rekord": "`/incident help the record`",
    "incident xyzzy": "",
    "playbook help xyzzy": "",
}


async def test_an_unknown_verb_is_answered_with_the_nearest(talk: Any) -> None:
    for line, meant in UNKNOWN.items():
        reply = await talk("Eve", line)
        assert not reply.ok and "There is no" in reply.text and "help` lists all" in reply.text, line
        assert (f"Did you mean {meant}?" in reply.text) if meant else "Did you mean" not in reply.text, line


async def test_a_group_is_told_line_by_line(talk: Any) -> None:
    reply = await talk("Eve", "playbook help approve")
    assert "`/playbook approve [" in reply.text  # a command goes before a group of the same name
    group = (await talk("Eve", "incident help start and end")).text
    assert "• `/incident declare sev1 checkout is down` Declare an incident\n" in group
