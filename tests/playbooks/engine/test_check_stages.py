"""Stages as written: what is refused at load, with its line."""

from __future__ import annotations

from typing import Any

import pytest

from playbooks.engine.load import load_text
from playbooks.errors import Refused
from tests.playbooks.engine import conftest  # noqa: F401  its toy actions

ONE = "  - {id: one, stage: cutover, uses: toy.destroy, with: {tag: one}}\n"


def load(steps: str) -> Any:
    return load_text(f"name: toy/run\ntitle: A run\nsteps:\n{steps}", "toy/run.yaml")


def test_neighbours_of_one_name_are_a_stage_and_a_constraint_is_read() -> None:
    two = """  - id: two
    stage: cutover
    uses: toy.destroy
    with: {tag: "${{ steps.one.outputs.name }}"}
    constraint:
      targets: [db-1, "db-${{ run.kind }}"]
      inputs: {tag: {one-of: [one, uno]}}
"""
    found = load(ONE + two).steps[1]
    assert found.constraint.targets == ("db-1", "db-${{ run.kind }}")
    assert found.constraint.inputs["tag"].one_of == ("one", "uno")


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        (ONE + "  - {id: look, uses: toy.safe}\n" + ONE.replace("id: one", "id: two"), "6: step two: stage cutover is interrupted"),
        ("  - {id: look, stage: s, uses: toy.safe}\n", "4: step look: stage s holds no destructive step"),
        ("  - id: g\n    parallel:\n      a:\n        - {id: w, stage: s, uses: toy.never}\n", "stands in the lane a"),
        (ONE + "  - {id: two, uses: toy.destroy, constraint: {targets: [a]}}\n", "name the stage"),
        (ONE.replace("}\n", ", constraint: {targets: [a], inputs: {tga: {matches: x}}}}\n").replace("}}, con", "}, con"), "`with` has no tga"),
        (ONE + ONE.replace("id: one", "id: two").replace("tag: one}}", 'tag: one}, constraint: {targets: ["${{ steps.one.outputs.name }}"]}}'),
         "steps.one.outputs.name is not known when the stage is approved"),
        (ONE.replace("tag: one}}", "tag: one}, constraint: {targets: []}}"), "constraint.targets"),
        (ONE.replace("tag: one}}", 'tag: one}, constraint: {targets: ["${{ incident.nope }}"]}}'), "an incident has no nope"),
        (ONE.replace("tag: one}}", 'tag: one}, constraint: {targets: ["${{ 1 +"]}}'), "constraint:"),
        (ONE.replace("tag: one}}", "tag: one}, constraint: {targets: [a], inputs: {tag: {}}}}"), "one-of"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_line(steps: str, words: str) -> None:
    with pytest.raises(Refused, match="toy/run") as error:
        load(steps)
    assert words in str(error.value)


def test_what_only_closes_access_stands_in_no_stage() -> None:
    step = "  - {id: close, stage: s, uses: aws.iam_deactivate_key, with: {key: AKIAIOSFODNN7EXAMPLE}}\n"
    with pytest.raises(Refused, match="stands in no stage"):
        load(ONE.replace("cutover", "s") + step)
