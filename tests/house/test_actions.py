"""A walk of the registry: what every action declares of itself, and that a faulty one is noticed."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Callable, Iterator, Mapping
from io import StringIO
from typing import Any

import pytest
from pydantic import Field, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from bot.manifest import COMMANDS, SCOPES
from commands.command import TOPICS
from playbooks.action import Act, Action, Again, Found, Nothing, Outputs, Plan, Risk, Seen, World, load_actions

# Who has no permissions of its own to ask for: anybody may GET an address or ask for a name; people and drafts are ours.
NEEDS_NOTHING = ("dns.", "http.", "human.", "post_mortem.")
ACTIONS = {name: cls for name, cls in load_actions().items() if cls.__module__.startswith("playbooks.actions.")}


def faults(cls: type[Action]) -> Iterator[str]:
    """Everything an action leaves unsaid, or says and does not bring."""
    yield from _words(cls)
    yield from _declarations(cls)
    yield from _methods(cls)


def _words(cls: type[Action]) -> Iterator[str]:
    doc = inspect.cleandoc(cls.__dict__.get("__doc__") or "")
    if not doc or len(doc.splitlines()[0]) > 80:
        yield "its docstring has no title (a first line of at most 80 characters)"
    if len(doc.splitlines()) > 1 and doc.splitlines()[1].strip():
        yield "the docstring's title is not followed by an empty line"
    examples = re.findall(r"^Example: *(.+?)(?=\n\s*\n|\Z)", doc, re.MULTILINE | re.DOTALL)
    if not examples:
        yield "its docstring has no `Example: {uses: ..., with: {...}}`"
    for example in examples:
        if problem := _wrong_example(cls, example):
            yield f"Example: {problem}"
    for model in (cls, cls.result):
        for name, field in model.model_fields.items():
            if not (field.description or "").strip():
                yield f"{model.__name__}.{name} has no description"


def _wrong_example(cls: type[Action], text: str) -> str:
    try:
        step = YAML(typ="safe").load(StringIO(text))
    except YAMLError as error:
        return f"is no YAML: {error}"
    if not isinstance(step, Mapping) or set(step) - {"uses", "with"} or step.get("uses") != cls.name:
        return f"is no step that uses {cls.name}"
    try:
        cls.model_validate(step.get("with") or {})
    except ValidationError as error:
        return f"is not accepted: {error.errors()[0]['loc']} {error.errors()[0]['msg']}"
    return ""


def _declarations(cls: type[Action]) -> Iterator[str]:
    if not cls.needs and not cls.name.startswith(NEEDS_NOTHING):
        yield "it does not say what it needs"
    for need in cls.needs:
        if not re.fullmatch(r"[a-z][a-z0-9]*:[A-Za-z_.:]+", need):
            yield f"{need} is no permission (vendor:permission)"
    if cls.again is Again.SAFE and cls.risk is not Risk.READ:
        yield "only reads are repeated without a key (again=SAFE)"
    if cls.risk is Risk.READ and cls.again is not Again.SAFE:
        yield "a read may always be repeated (again=SAFE)"
    for fact, output in cls.facts.items():
        if output not in cls.result.model_fields:
            yield f"its fact {fact} names no output: {output}"
    if cls.risk is not Risk.READ and cls.can_undo() == bool(cls.why_no_undo):
        yield "exactly one of undo and why_no_undo"


def _methods(cls: type[Action]) -> Iterator[str]:
    def brings(method: str) -> bool:
        return getattr(cls, method) is not getattr(Action, method)

    if cls.risk is Risk.READ and not brings("look"):
        yield "a read brings look"
    if cls.risk is Risk.READ and (brings("run") or brings("undo")):
        yield "a read has nothing to run or undo"
    if cls.risk is not Risk.READ and not (brings("plan") and brings("run")):
        yield "what changes something brings plan and run"
    if cls.again is Again.NEVER and not brings("reconcile"):
        yield "what may never be repeated brings reconcile"
    if cls.can_undo():
        yield from _undoes(cls, brings)
    if cls.risk.guarded:
        if not brings("verify"):
            yield "what is approved (destructive or contain) brings verify"
        if brings("plan") and not _plans_targets(cls):
            yield "the plan of an approved action names its targets: the resource lock and the digest need them"


def _undoes(cls: type[Action], brings: Callable[[str], bool]) -> Iterator[str]:
    """The undo is an action of its own (playbooks/undoing.py), so the same holds of it."""
    if not brings("plan_undo"):
        yield "what can be undone brings plan_undo: people approve exactly that"
    if cls.again is Again.NEVER and not brings("reconcile_undo"):
        yield "an undo that may never be repeated brings reconcile_undo"
    if cls.undo_risk().guarded and not brings("verify_undo"):
        yield "an undo that is approved brings verify_undo"


def _plans_targets(cls: type[Action]) -> bool:
    """Every Plan(...) written in `plan` says targets, and not an empty tuple."""
    calls = [
        node
        for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(cls.plan))))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Plan"
    ]
    said = [next((key.value for key in call.keywords if key.arg == "targets"), None) for call in calls]
    empty = [value is None or (isinstance(value, ast.Tuple | ast.List) and not value.elts) for value in said]
    return bool(calls) and not any(empty)


@pytest.mark.parametrize("name", sorted(ACTIONS))
def test_every_action_says_what_it_is(name: str) -> None:
    assert list(faults(ACTIONS[name])) == []


def test_the_walk_sees_the_actions_there_are() -> None:
    assert {"aws.rds_failover", "pagerduty.trigger", "slack.open_channel", "http.probe", "human.confirm"} <= set(
        ACTIONS
    )
    assert any(cls.risk.destructive for cls in ACTIONS.values())
    assert any(cls.again is Again.NEVER for cls in ACTIONS.values())
    assert any(cls.facts for cls in ACTIONS.values())


def test_two_actions_never_share_a_fact() -> None:
    owners: dict[str, list[str]] = {}
    for name, cls in ACTIONS.items():
        for fact in cls.facts:
            owners.setdefault(fact, []).append(name)
    assert {fact: names for fact, names in owners.items() if len(names) > 1} == {}


def ungranted(actions: Mapping[str, type[Action]]) -> list[str]:
    """Slack permissions that actions need and the manifest does not ask for."""
    needed = {
        (name, need.removeprefix("slack:")) for name, cls in actions.items() for need in cls.needs if "slack:" in need
    }
    return sorted(f"{name} needs {scope}" for name, scope in needed if scope not in SCOPES)


def test_the_manifest_asks_for_what_actions_need() -> None:
    assert ungranted(ACTIONS) == []
    assert ungranted({"toy.shout": declared(needs=("slack:admin.shout",))}) == ["toy.shout needs admin.shout"]


def test_the_manifest_has_one_slash_word_per_topic() -> None:
    assert sorted(COMMANDS) == sorted(f"/{topic}" for topic in TOPICS)


# --- a good one, and one fault each ---------------------------------------------------------------------------------


class Gone(Outputs):
    """What was dropped."""

    table: str = Field(description="Name of the table")


class Drop(Action):
    """Drop a table

    Example: {uses: toy.drop, with: {table: orders}}
    """

    table: str = Field(description="Name of the table")
    why_no_undo = "It is gone."

    async def plan(self, world: World) -> Plan:
        return Plan(targets=(f"table:{self.table}",), effect=f"Drop {self.table}")

    async def run(self, act: Act) -> Gone:
        return Gone(table=self.table)

    async def verify(self, world: World, done: Any) -> Seen:
        return Seen(ok=True, text="gone")

    async def reconcile(self, world: World) -> Found:
        return Found(happened=None, evidence="cannot tell")


GOOD: dict[str, Any] = {
    "name": "toy.drop", "risk": Risk.IRREVERSIBLE, "again": Again.NEVER, "needs": ("toy:Drop",), "result": Gone,
    "facts": {"dropped": "table"},
}  # fmt: skip


def declared(base: type[Action] = Drop, **changes: Any) -> type[Action]:
    """Drop as `@action` would leave it, with changes; never in the registry."""
    doc = changes.pop("doc", base.__doc__)
    cls = type(base.__name__, (base,), {"__doc__": doc, "__module__": __name__, **changes.pop("methods", {})})
    for key, value in {**GOOD, **changes}.items():
        setattr(cls, key, value)
    return cls


async def _plan_without_targets(self: Any, world: World) -> Plan:
    return Plan(effect="Drop it")


class Undescribed(Drop):
    """Drop a table

    Example: {uses: toy.drop, with: {table: orders}}
    """

    how: str = ""


FAULTY = [
    ({"doc": None}, "title"),
    ({"doc": "Drop a table"}, "no `Example:"),
    ({"doc": "Drop\n\nExample: {uses: toy.drap, with: {table: orders}}"}, "no step that uses toy.drop"),
    ({"doc": "Drop\n\nExample: {uses: toy.drop, with: {tabel: orders}}"}, "is not accepted"),
    ({"doc": "Drop\n\nExample: {uses: toy.drop, with: {table: [1]}}"}, "is not accepted"),
    ({"doc": "Drop\n\nExample: {uses: toy.drop"}, "is no YAML"),
    ({"needs": ()}, "does not say what it needs"),
    ({"needs": ("everything",)}, "is no permission"),
    ({"again": Again.SAFE}, "only reads are repeated"),
    ({"facts": {"dropped": "name"}}, "names no output"),
    ({"why_no_undo": ""}, "exactly one of undo and why_no_undo"),
    ({"methods": {"undo": Drop.run}}, "exactly one of undo and why_no_undo"),
    ({"methods": {"reconcile": Action.reconcile}}, "brings reconcile"),
    ({"methods": {"verify": Action.verify}}, "brings verify"),
    ({"methods": {"undo": Drop.run}, "why_no_undo": ""}, "brings plan_undo"),
    ({"methods": {"undo": Drop.run}, "why_no_undo": ""}, "brings reconcile_undo"),
    ({"methods": {"undo": Drop.run}, "why_no_undo": ""}, "brings verify_undo"),
    ({"methods": {"plan": Action.plan}}, "brings plan and run"),
    ({"methods": {"plan": _plan_without_targets}}, "names its targets"),
    ({"base": Undescribed, "doc": Undescribed.__doc__}, "Undescribed.how has no description"),
    ({"risk": Risk.READ, "again": Again.SAFE}, "a read brings look"),
]


def test_the_good_one_is_good() -> None:
    assert list(faults(declared())) == []


@pytest.mark.parametrize(("change", "finding"), FAULTY, ids=[finding for _, finding in FAULTY])
def test_a_fault_is_found(change: dict[str, Any], finding: str) -> None:
    found = list(faults(declared(**change)))
    assert any(finding in line for line in found), found


def test_nothing_is_said_of_an_action_without_results() -> None:
    assert not [line for line in faults(declared(result=Nothing, facts={})) if "description" in line]
