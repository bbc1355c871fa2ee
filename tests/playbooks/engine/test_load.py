"""Loading: a good text becomes typed steps in order; every mistake has its line and the nearest right word."""

from typing import ClassVar, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from playbooks.action import Action, Outputs, Risk
from playbooks.engine.load import Playbook, load_stored, load_text, service_input, site_input
from playbooks.errors import Refused


class Zone(Outputs):
    writer_zone: str
    zones: tuple[str, ...] = ()


class Look(Action):
    """Look at it"""

    risk: ClassVar[Risk] = Risk.READ
    result: ClassVar[type[Outputs]] = Zone
    instance: str = Field(min_length=2)
    count: int = 1


class Say(Action):
    """Say it"""

    risk: ClassVar[Risk] = Risk.WRITE
    text: str
    how: Literal["loud", "quiet"] = "quiet"


class Break(Action):
    """Break it"""

    risk: ClassVar[Risk] = Risk.RECOVERABLE
    instance: str


ACTIONS: dict[str, type[Action]] = {"a.look": Look, "a.say": Say, "a.break": Break}
GOOD = """\
name: test/good
title: Good
reviewed: 2026-11-20
inputs:
  service: {type: service}
  note: {type: text, default: hello}
objectives: {rto: "${{ service.rto }}", rpo: 0s}
steps:
  - id: before
    uses: a.look
    with: {instance: "${{ service.database.instance }}"}
    timeout: 30s
  - id: tell
    parallel:
      left:
        - {id: l1, uses: a.look, with: {instance: db, count: 2}}
        - {id: l2, uses: a.say, with: {text: "${{ steps.l1.outputs.writer_zone }}"}, retries: 3, on-failure: continue}
      right:
        - {id: r1, uses: a.say, with: {text: "${{ inputs.note }}"}, if: incident.channel}
  - id: go
    name: Break the thing
    uses: a.break
    phase: execute
    stage: all
    with: {instance: "${{ steps.before.outputs.zones[0] }}"}
    approvals: {people: 3, from: [dba]}
    risk: irreversible
    within: 5m
  - {id: after, uses: a.look, stage: all, with: {instance: "${{ steps.l1.outputs.writer_zone }}"}}
"""


def load(text: str, source: str = "test/good.yaml") -> Playbook:
    return load_text(text, source, ACTIONS.get)


def refusal(text: str) -> str:
    with pytest.raises(Refused) as caught:
        load(text)
    return caught.value.message


def with_steps(steps: str) -> str:
    return f"name: test/good\ntitle: x\ninputs: {{note: {{}}}}\nsteps:\n{steps}"


def test_a_good_text_becomes_steps_in_order() -> None:
    playbook = load(GOOD)
    assert [(step.index, step.id, step.group, step.lane) for step in playbook.steps] == [
        (1, "before", None, None),
        (2, "l1", "tell", "left"),
        (3, "l2", "tell", "left"),
        (4, "r1", "tell", "right"),
        (5, "go", None, None),
        (6, "after", None, None),
    ]
    go = playbook.step("go")
    assert (go.title, go.phase, go.stage) == ("Break the thing", "execute", "all")
    assert (go.within_s, go.risk) == (300.0, Risk.IRREVERSIBLE)
    assert go.approvals == {"people": 3, "from": ["dba"]}
    assert go.line == 20
    assert (playbook.step("l2").retries, playbook.step("l2").on_failure) == (3, "continue")
    assert (playbook.step("before").timeout_s, playbook.step("before").title) == (30.0, "Look at it")
    assert (service_input(playbook), site_input(playbook)) == ("service", None)
    assert [(item.required, item.default) for item in playbook.inputs] == [(True, None), (False, "hello")]
    assert playbook.text == GOOD and len(playbook.digest) == 64


def test_the_digest_is_of_the_whole_text() -> None:
    assert load(GOOD).digest == load(GOOD).digest
    assert load(GOOD + "# read again\n").digest != load(GOOD).digest


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("title: Good", "titel: Good", "test/good.yaml:2: unknown key titel, did you mean title?"),
        ("title: Good\n", "", "title is missing"),
        ("name: test/good", "name: test/god", "test/good.yaml:1: name is test/god, but the file's path says test/good"),
        ("type: service", "type: servce", "did you mean service?"),
        (
            "on-failure: continue",
            "on_failure: continue",
            "17: step l2: unknown key on_failure, did you mean on-failure?",
        ),
        ("on-failure: continue", "on-failure: contine", "did you mean continue?"),
        ("timeout: 30s", "timeout: 30", "12: step before: timeout: 30 has no unit"),
        (
            'uses: a.say, with: {text: "${{ steps',
            'uses: a.sya, with: {text: "${{ steps',
            "17: step l2: there is no action a.sya",
        ),
        ("count: 2", "cuont: 2", "16: step l1: a.look has no field cuont, did you mean count?"),
        ("count: 2", "count: two", "16: step l1: count: input should be a valid integer"),
        ("instance: db", "instance: d", "16: step l1: instance: string should have at least 2"),
        ('{text: "${{ inputs.note }}"}', "{how: loud}", "19: step r1: a.say needs text"),
        ("inputs.note", "inputs.nte", "19: step r1: text: there is no input nte, did you mean note?"),
        (
            "if: incident.channel",
            "if: incident.chanel",
            "19: step r1: if: an incident has no chanel, did you mean channel?",
        ),
        ("if: incident.channel", "if: steps.l1.outputs.zones", "step l1 stands in the lane left"),
        ("service.database.instance", "service.databse.instance", "there is no databse, did you mean database?"),
        ("service.database.instance", "service.database.instanc", "there is no instanc, did you mean instance?"),
        ("service.database.instance", "service.resources.x", "resources are read directly"),
        ("service.database.instance", "sevrice.x", "there is no sevrice, did you mean service?"),
        ("service.database.instance", "severity.pagerduty.urgncy", "did you mean urgency?"),
        ("service.database.instance", "site.regoin", "did you mean region?"),
        ("service.database.instance", "run.knd", "did you mean kind?"),
        ("service.database.instance", "organisation.contact", "did you mean contacts?"),
        ("service.database.instance", "inputs.note.x", "an input has no parts"),
        ("service.database.instance", "steps.go.outputs.x", "step go comes later"),
        ("service.database.instance", "steps.before.outputs.writer_zone", "step before comes now"),
        ("service.database.instance", "inputs.note | upper", "uses a filter"),
        (
            'steps.l1.outputs.writer_zone }}"}, r',
            'steps.l1.outputs.writer }}"}, r',
            "a.look has no output writer, did you mean",
        ),
        ('steps.l1.outputs.writer_zone }}"}, r', 'steps.l1.writer_zone }}"}, r', "write steps.l1.outputs.<name>"),
        ("steps.before.outputs.zones[0]", "steps.befor.outputs.zones", "there is no step befor, did you mean before?"),
        ("steps.before.outputs.zones[0] }}", "steps.before.outputs.zones[0]", "has no `}}`"),
        ("risk: irreversible", "risk: write", "never lower it"),
        ("people: 3", "peple: 3", "unknown key approvals.peple, did you mean people?"),
        ("id: r1", "id: l1", "19: step l1: the id l1 is used twice"),
        ("id: r1", "id: tell", "the id tell is used twice"),
        ("id: r1", "id: r-1", "step r-1: id: string should match pattern"),
        (
            'uses: a.say, with: {text: "${{',
            'uses: a.break, with: {instance: "${{',
            "is destructive and may not stand in a lane",
        ),
        ("- {id: r1", "- parallel: {}\n        - {id: r1", "lane right: lanes do not nest"),
        ("rpo: 0s", "rpo: 0", "objectives.rpo"),
        ("service.rto", "service.rtoo", "7: objectives.rto: service.rtoo: there is no rtoo, did you mean rto?"),
        ("phase: execute", "phase: exeute", "did you mean execute?"),
        ("retries: 3", "retries: 99", "less than or equal to 20"),
    ],
)
def test_mistakes(old: str, new: str, said: str) -> None:
    assert old in GOOD
    assert said in refusal(GOOD.replace(old, new, 1))


def test_a_step_may_not_be_made_destructive_in_a_lane() -> None:
    assert "may not stand in a lane" in refusal(GOOD.replace("if: incident.channel", "risk: recoverable"))


def test_a_stage_is_not_interrupted_and_holds_something_destructive() -> None:
    between = "  - {id: mid, uses: a.look, with: {instance: db}}\n  - {id: after"
    assert "stage all is interrupted after step go" in refusal(GOOD.replace("  - {id: after", between))
    lone = with_steps("  - {id: one, uses: a.look, stage: s, with: {instance: db}}\n")
    assert "stage s holds no destructive step" in refusal(lone)


def test_every_problem_at_once() -> None:
    text = (
        GOOD.replace("titel", "title")
        .replace("inputs.note", "inputs.nte")
        .replace("a.break", "a.brake")
        .replace("count", "cnt")
    )
    assert len(refusal(text).splitlines()) == 3


@pytest.mark.parametrize(
    "steps", ["  - 3\n", "  - {parallel: {a: []}}\n", "  - {uses: a.look}\n", "  []\n", "  - []\n"]
)
def test_what_is_no_step(steps: str) -> None:
    assert "test/good.yaml:" in refusal(with_steps(steps))


def test_choices_belong_to_type_choice() -> None:
    assert "go together" in refusal(GOOD.replace("{type: service}", "{type: string, choices: [a]}"))


@given(st.text(max_size=200))
def test_any_text_is_a_playbook_or_refused(text: str) -> None:
    try:
        load(text)
    except Refused as error:
        assert error.message


@given(st.integers(0, GOOD.count("\n") - 1), st.integers(0, 60), st.sampled_from("{}[]:-#'\"&*!|>%@ \tx"))
def test_a_slip_of_the_finger_never_escapes_as_a_crash(line: int, column: int, typed: str) -> None:
    lines = GOOD.split("\n")
    lines[line] = lines[line][:column] + typed + lines[line][column:]
    try:
        load("\n".join(lines))
    except Refused as error:
        assert error.message.startswith("test/good.yaml:")


def test_a_stored_text_outlives_the_actions_it_names() -> None:
    stored = load_stored(GOOD.replace("a.break", "gone.break"))
    assert stored.step("go").uses == "gone.break"
    assert [(step.id, step.lane, step.with_) for step in stored.steps[:4]] == [
        (step.id, step.lane, step.with_) for step in load(GOOD).steps[:4]
    ]
    assert load_stored(stored.text) is stored, "read once"
    with pytest.raises(Refused, match="unknown key"):
        load_stored(GOOD.replace("title:", "titel:"))
