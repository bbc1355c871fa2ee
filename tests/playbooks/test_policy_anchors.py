"""The `anchors` section: off unless a place is named, and the example's own suggestions load."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from playbooks.errors import Refused
from playbooks.policy import load_policy, parse_policy
from playbooks.policy_anchors import Anchors

EXAMPLE = Path(__file__).parents[2] / "muster.example.yaml"


def test_the_example_names_no_place_and_its_suggestions_load() -> None:
    assert load_policy(EXAMPLE).anchors.places == ()
    text = re.sub(r"^  # (slack|file|s3):", r"  \1:", EXAMPLE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    rules = parse_policy(text).anchors
    assert rules.places == ("slack", "file", "s3")
    assert rules.s3 and rules.s3.mode == "compliance" and rules.s3.retain.days == 730


@pytest.mark.parametrize("wrong", ["slak: x", "s3: { bucket: x }", "every: 1s", "s3: { bucket: abc, mode: none }"])
def test_what_cannot_be_meant_is_refused_with_its_line(wrong: str) -> None:
    text = EXAMPLE.read_text(encoding="utf-8").replace("\nanchors:\n", f"\nanchors:\n  {wrong}\n", 1)
    if wrong.startswith("every"):
        text = text.replace("  every: 5m ", "  # every: 5m ", 1)
    with pytest.raises(Refused, match=r":\d+: "):
        parse_policy(text)


def test_without_the_section_nothing_is_anchored() -> None:
    assert Anchors().places == ()
