"""What people rely on when they approve a playbook at 3 a.m.: every file says what it does, and loads on real actions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from playbooks.action import Risk, find
from playbooks.engine.library import BUILT_IN
from playbooks.engine.load import load_text
from playbooks.engine.model import Playbook
from playbooks.errors import Refused

FILES = sorted(BUILT_IN.rglob("*.yaml"))
SAYS = {
    "When": "when to use it",
    "Changes": "what it changes",
    "Takes": "how long it takes",
    "Undone": "what cannot be undone",
}
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
