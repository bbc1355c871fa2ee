"""What people rely on when they approve a playbook at 3 a.m.: every file says what it does, and loads on real actions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from playbooks.action import Risk, find
from playbooks.engine.library import BUILT_IN
from playbooks.engine.load import load_text, typed_inputs
from playbooks.engine.model import Playbook
from playbooks.errors import Refused
from playbooks.policy import Policy, load_policy

FILES = sorted(BUILT_IN.rglob("*.yaml"))
SAYS = {
    "When": "when to use it",
    "Changes": "what it changes",
    "Takes": "how long it takes",
    "Undone": "what cannot be undone",
}
EXAMPLE = Path(__file__).resolve().parents[2] / "muster.example.yaml"
LONGEST = timedelta(days=366)


def faults(name: str, text: str) -> Iterator[str]:
    """What a library file leaves unsaid, or what is wrong with it."""
    try:
        playbook = load_text(text, f"{name}.yaml", expected=name)
    except Refused as error:
        yield str(error)
        return
    head = re.match(r"(?:#[^\n]*\n)*", text)
    comments = head[0] if head else ""
    for word, what in SAYS.items():
        if not re.search(rf"^# {word}: +\S.{{4,}}$", comments, re.MULTILINE):
            yield f"its first comment does not say {what} (# {word}: ...)"
    yield from _reviewed(playbook)
    yield from _destructive(playbook, comments)


def _reviewed(playbook: Playbook) -> Iterator[str]:
    if playbook.reviewed is None or playbook.review_by is None:
        yield "reviewed and review-by say when people last read it"
    elif not playbook.reviewed < playbook.review_by <= playbook.reviewed + LONGEST:
        yield "review-by is after reviewed, and at most a year"


def _destructive(playbook: Playbook, comments: str) -> Iterator[str]:
    for step in playbook.steps:
        action = find(step.uses)
        assert action is not None
        if max(action.risk, step.risk or Risk.READ).destructive:
            if step.lane is not None:
                yield f"step {step.id} is destructive and stands in a lane"
            if step.on_failure == "continue":
                yield f"step {step.id} is destructive and goes on after a failure"
            if not re.search(r"^# Source: +\S", comments, re.MULTILINE):
                yield "a destructive playbook names the runbook it comes from (# Source: ...)"


@pytest.mark.parametrize("file", FILES, ids=[file.relative_to(BUILT_IN).as_posix() for file in FILES])
def test_every_file_says_what_it_does(file: Path) -> None:
    name = file.relative_to(BUILT_IN).with_suffix("").as_posix()
    assert list(faults(name, file.read_text(encoding="utf-8"))) == []


WRONG: dict[str, tuple[object, ...]] = {
    "service": ("nowhere-at-all", 7), "site": ("nowhere-at-all", 7), "string": (7, "two\nlines", "x" * 501),
    "text": (7, ["a"]), "integer": ("seven", "7.5", True), "boolean": ("perhaps", 7), "duration": ("15", "soon", 7),
    "time": ("noon", "25:00", 7), "choice": ("none-of-them", 7), "person": ("ben", 7), "list": ([7], 7, {"a": "b"}),
}  # fmt: skip
RIGHT = {
    "service": "checkout", "site": "secondary", "string": "words", "text": "words", "integer": "1", "boolean": "yes",
    "duration": "5m", "time": "2026-11-22T10:00Z", "person": "<@U0BEN>", "list": ["words"],
}  # fmt: skip


@pytest.fixture(scope="module")
def policy() -> Policy:
    return load_policy(EXAMPLE)


@pytest.mark.parametrize("file", FILES, ids=[file.relative_to(BUILT_IN).as_posix() for file in FILES])
def test_what_is_missing_unknown_or_of_the_wrong_type_is_refused_before_anything_runs(
    file: Path, policy: Policy
) -> None:
    """Every input of every playbook; `/playbook run` and `plan` read them before they write or look at anything."""
    playbook = load_text(file.read_text(encoding="utf-8"), file.name)
    right = {one.name: one.choices[0] if one.choices else RIGHT[one.type] for one in playbook.inputs}
    assert set(typed_inputs(playbook, right, policy)) == set(right), "what is right is taken"
    with pytest.raises(Refused, match="has no input"):
        typed_inputs(playbook, {**right, "nobody_knows_this": "x"}, policy)
    for one in playbook.inputs:
        without = {name: value for name, value in right.items() if name != one.name}
        if one.required:
            for missing in (without, {**without, one.name: ""}, {**without, one.name: None}):
                with pytest.raises(Refused, match=rf"It needs \*\*{one.name}\*\*"):
                    typed_inputs(playbook, missing, policy)
        else:
            typed_inputs(playbook, without, policy)
        for value in WRONG[one.type]:
            with pytest.raises(Refused):
                typed_inputs(playbook, {**right, one.name: value}, policy)
                pytest.fail(f"{playbook.name} takes {value!r} for {one.name} ({one.type})")


def unwitnessed(playbook: Playbook) -> Iterator[str]:
    """What moves a service without having asked DNS and the writers first, in its plan and in its run, where it is."""
    kinds = [(step, find(step.uses)) for step in playbook.steps]
    moves = [step.index for step, action in kinds if action is not None and action.moves_service]
    hurts = [step.index for step, action in kinds if action and max(action.risk, step.risk or Risk.READ).guarded]
    asks = [step for step in playbook.steps if step.uses == "service.where"]
    if not moves:
        return
    first = min([*moves, *hurts])
    if not asks or asks[0].index > first:
        yield f"step {first} changes something before service.where has compared the record with DNS and the writer"
    for one in asks[:1]:
        if one.if_ or one.on_failure == "continue":
            yield f"step {one.id}: a contradiction does not stop it"
        named = any("record" in step.with_ for step in playbook.steps)  # else people reach it by no name that is moved
        if not {"recorded", "places", *(["record"] if named else [])} <= set(one.with_):
            yield f"step {one.id} does not ask both DNS and the databases"


@pytest.mark.parametrize("file", FILES, ids=[file.relative_to(BUILT_IN).as_posix() for file in FILES])
def test_what_moves_a_service_asks_first_where_it_is(file: Path) -> None:
    playbook = load_text(file.read_text(encoding="utf-8"), file.name)
    if playbook.name != "service/record":  # which corrects the record: it verifies where the service is, and says so
        assert list(unwitnessed(playbook)) == []


def test_a_move_without_witnesses_is_found() -> None:
    text = (BUILT_IN / "failover/secondary-site.yaml").read_text(encoding="utf-8")
    start = text.rindex("  - id:", 0, text.index("service.where"))
    end = text.index("  - id:", start + 5)
    for planted in (
        text[:start] + text[end:],
        text.replace("uses: service.where\n", "uses: service.where\n    on-failure: continue\n", 1),
    ):
        assert list(unwitnessed(load_text(planted, "planted.yaml")))


def test_nobody_has_reviewed_tomorrow() -> None:
    latest = max(load_text(file.read_text("utf-8"), "x.yaml").reviewed or date.min for file in FILES)
    assert latest <= date.fromisoformat("2026-11-20") or latest <= _today()


def _today() -> date:
    import time

    return date(*time.gmtime()[:3]) + timedelta(days=1)


GOOD = (BUILT_IN / "failover/rds-multi-az.yaml").read_text(encoding="utf-8")
LANE = """
  - id: both
    parallel:
      one:
        - id: failover
          uses: aws.rds_failover
          with: { instance: orders-db }
"""
FAULTY = [
    (r"^# When:.*\n", "", "when to use it"),
    (r"^# Changes:.*\n", "", "what it changes"),
    (r"^# Takes:.*$", "# Takes: ?", "how long it takes"),
    (r"^# Undone:.*\n", "", "what cannot be undone"),
    (r"\A(#.*\n)+", "", "when to use it"),
    (r"^reviewed:.*\n", "", "reviewed and review-by"),
    (r"^review-by:.*\n", "", "reviewed and review-by"),
    (r"^review-by:.*$", "review-by: 2029-01-01", "at most a year"),
    (r"^# Source:.*\n", "", "names the runbook"),
    (r"aws\.rds_failover", "aws.rds_failovr", "there is no action aws.rds_failovr"),
    (r"from_zone:", "zone:", "aws.rds_failover has no field zone"),
    (r"steps\.before\.outputs\.writer_zone", "steps.before.outputs.zone", "has no output zone"),
    (r"^steps:\n(.|\n)*\Z", f"steps:{LANE}", "may not stand in a lane"),
    (r"^    uses: aws\.rds_failover.*$", "    uses: aws.rds_failover\n    risk: write", "never lower it"),
    (
        r"^    uses: aws\.rds_failover.*$",
        "    uses: aws.rds_failover\n    on-failure: continue",
        "goes on after a failure",
    ),
    (r"^name:.*$", "name: failover/rds", "the file's path says"),
]


def test_the_good_one_is_good() -> None:
    assert list(faults("failover/rds-multi-az", GOOD)) == []


@pytest.mark.parametrize(("pattern", "to", "finding"), FAULTY, ids=[finding for *_, finding in FAULTY])
def test_a_planted_fault_is_found(pattern: str, to: str, finding: str) -> None:
    text = re.sub(pattern, to, GOOD, count=1, flags=re.MULTILINE)
    assert text != GOOD
    found = list(faults("failover/rds-multi-az", text))
    assert any(finding in line for line in found), found
