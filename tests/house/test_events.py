"""Every event that can be written is in docs/events.md, with its keys, and nothing else is.

The table is drawn from the code: `UPDATE_DOCS=1 pytest tests/house/test_events.py` writes it again and keeps the
sentences, which people write. A new type comes with an empty sentence, and an empty sentence fails.
"""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

ABOUT_STEP = {"run", "step", "id", "uses", "attempt"}
# Where a type is put together, what it can be.
BUILT = {
    "approval.{state}": ("approval.void", "approval.expired"),
    "decision.{state}": ("decision.done", "decision.denied", "decision.expired", "decision.void"),
    "incident.{status}": ("incident.resolved", "incident.cancelled"),
    "alert.{kind}": ("alert.resolved", "alert.escalated"),
}
# What cannot be read off the call: keys that come in by ** or from another function.
GIVEN: dict[str, dict[str, set[str]]] = {
    "approval.voted": {"texts": {"reason"}},
    "incident.resolved": {"texts": {"resolution"}},
    "incident.cancelled": {"texts": {"reason"}},
    "step.started": {"body": {"approval"}},
    "alert.joined": {"texts": {"url"}},
    "triage.opened": {"texts": {"url"}},
    "capture.kept": {"texts": {"author", "files", "link", "text"}},
}
# The two methods every event of the engine goes through, which hand on what they were given.
PASSES_ON = {"playbooks/engine/transition.py"}
GROUPS = {
    "incident": "An incident", "alert": "What the pager said", "todo": "Tasks", "clock": "Clocks", "followup": "Clocks", "card": "Cards",
    "run": "A run", "step": "A step", "approval": "An approval", "review": "Reviews", "service": "Services",
    "public": "Words for the public", "postmortem": "The post-mortem", "person": "People", "session": "People", "account": "People", "group": "People", "access": "People",
    "factor": "People", "credential": "People", "key": "People",
    "decision": "Decisions of two people", "journal": "Blind mode", "policy": "The policy", "stream": "Streams", "anchor": "Streams", "export": "Streams",
    "hold": "What leaves the record", "text": "What leaves the record", "escrow": "What leaves the record",
    "audit": "Auditors", "auditor": "Auditors",
    "triage": "Alerts that came in", "capture": "What people put on the timeline",
}  # fmt: skip
ROW = re.compile(r"^\| `([a-z_.]+)` \| (.*?) \| (.*?) \| (.*?) \|$", re.MULTILINE)
HEAD = "| type | body | texts | what it says |\n|---|---|---|---|"


@dataclass
class Kind:
    """One event type: the keys its body and its texts can have."""

    body: set[str] = field(default_factory=set)
    texts: set[str] = field(default_factory=set)


class Unreadable(Exception):
    """A call whose type or keys cannot be read off the code."""


def written(sources: list[Any]) -> dict[str, Kind]:
    """Every event type the sources write. Raises Unreadable for a call nobody can read."""
    found: dict[str, Kind] = {}
    for source in sources:
        for function in [
            node for node in ast.walk(source.tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        ]:
            for call in _own_calls(function):
                for type, kind in _read(call, function, source.path):
                    known = found.setdefault(type, Kind())
                    known.body |= kind.body
                    known.texts |= kind.texts
    for type, more in GIVEN.items():
        if type in found:
            found[type].body |= more.get("body", set())
            found[type].texts |= more.get("texts", set())
    return found


def _own_calls(function: ast.AST) -> Iterator[ast.Call]:
    """Calls of this function, not of functions inside it."""
    todo = list(ast.iter_child_nodes(function))
    while todo:
        node = todo.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if isinstance(node, ast.Call):
            yield node
        todo += ast.iter_child_nodes(node)


def _read(call: ast.Call, function: ast.AST, path: str) -> list[tuple[str, Kind]]:
    where = f"{path}:{call.lineno}"
    if isinstance(call.func, ast.Name) and call.func.id == "Entry":
        if path in PASSES_ON or path.startswith("playbooks/actions/"):  # which cannot reach the record: another Entry
            return []
        kind = Kind(
            _keys(_argument(call, 2, "body"), function, where), _keys(_argument(call, 3, "texts"), function, where)
        )
    elif isinstance(call.func, ast.Attribute) and call.func.attr in ("event", "told") and call.args:
        if call.func.attr == "told" and not isinstance(call.args[0], ast.Constant | ast.JoinedStr | ast.IfExp):
            return []  # a function of that name in storage, which writes an Entry itself
        body = {key.arg for key in call.keywords if key.arg not in (None, "actor", "texts")}
        kind = Kind(body | (ABOUT_STEP if call.func.attr == "told" else set()),
                    _keys(_argument(call, 99, "texts"), function, where))  # fmt: skip
    else:
        return []
    return [(type, kind) for type in _types(call.args[0], where)]


def _types(node: ast.expr, where: str) -> tuple[str, ...]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return (node.value,)
    if isinstance(node, ast.IfExp):
        return (*_types(node.body, where), *_types(node.orelse, where))
    if isinstance(node, ast.JoinedStr) and (known := BUILT.get(ast.unparse(node)[2:-1])):
        return known
    raise Unreadable(f"{where}: write the type of an event as a word, or list it in BUILT: {ast.unparse(node)}")


def _argument(call: ast.Call, place: int, name: str) -> ast.expr | None:
    if len(call.args) > place:
        return call.args[place]
    return next((keyword.value for keyword in call.keywords if keyword.arg == name), None)


def _keys(node: ast.expr | None, function: ast.AST, where: str) -> set[str]:
    """The keys of a dict as far as the function itself says them."""
    match node:
        case None | ast.Constant(value=None):
            return set()
        case ast.Dict():
            return {key for part in node.keys if part is not None for key in [_word(part, where)]}
        case ast.IfExp():
            return _keys(node.body, function, where) | _keys(node.orelse, function, where)
        case ast.BoolOp() | ast.BinOp():
            parts = node.values if isinstance(node, ast.BoolOp) else [node.left, node.right]
            return set().union(*(_keys(part, function, where) for part in parts))
        case ast.Call(func=ast.Name(id="_typed")):
            return {key.arg for key in node.keywords if key.arg}
        case ast.DictComp(key=ast.Name(), generators=[ast.comprehension(iter=ast.Tuple(elts=words))]):
            return {_word(word, where) for word in words}
        case ast.Name():
            return _assigned(node.id, function, where)
    return set()  # made elsewhere: GIVEN says what of


def _assigned(name: str, function: ast.AST, where: str) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(function):
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AugAssign) else []
        )
        if any(isinstance(target, ast.Name) and target.id == name for target in targets):
            found |= _keys(node.value, function, where)  # type: ignore[attr-defined]
        for target in targets:
            if isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name) and target.value.id == name:
                found.add(_word(target.slice, where))
    return found


def _word(node: ast.expr, where: str) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    raise Unreadable(f"{where}: a key of an event must be a word: {ast.unparse(node)}")


def documented(text: str) -> dict[str, tuple[Kind, str]]:
    """The rows of docs/events.md: type -> keys, sentence."""

    def keys(cell: str) -> set[str]:
        return set(cell.replace("—", "").replace(",", " ").split())

    return {type: (Kind(keys(body), keys(texts)), said.strip()) for type, body, texts, said in ROW.findall(text)}


def drawn(text: str, kinds: dict[str, Kind]) -> str:
    """The document with its tables drawn again from the code; sentences are kept by type."""
    said = {type: sentence for type, (_, sentence) in documented(text).items()}
    top = text.partition("\n## ")[0].rstrip()
    parts = [top]
    for title in dict.fromkeys(GROUPS.values()):
        rows = [
            f"| `{type}` | {_cell(kind.body)} | {_cell(kind.texts)} | {said.get(type, '')} |"
            for type, kind in sorted(kinds.items()) if GROUPS[type.partition(".")[0]] == title
        ]  # fmt: skip
        if rows:
            parts.append("\n".join([f"## {title}", "", HEAD, *rows]))
    return "\n\n".join(parts) + "\n"


def _cell(keys: set[str]) -> str:
    return ", ".join(sorted(keys)) or "—"


@pytest.fixture(scope="module")
def doc(root: Path) -> Path:
    return root / "docs/events.md"


@pytest.fixture(scope="module")
def kinds(house: list[Any]) -> dict[str, Kind]:
    return written([source for source in house if not source.path.startswith("bot/sandbox/")])


def test_every_type_is_documented_with_its_keys(doc: Path, kinds: dict[str, Kind]) -> None:
    text = doc.read_text(encoding="utf-8")
    if os.environ.get("UPDATE_DOCS"):
        text = drawn(text, kinds)
        doc.write_text(text, encoding="utf-8")
    said = documented(text)
    assert {type: kind for type, (kind, _) in said.items()} == kinds, "UPDATE_DOCS=1 draws the table again"
    assert [type for type, (_, sentence) in said.items() if len(sentence) < 12] == [], "a sentence is missing"
    assert drawn(text, kinds) == text


def test_what_is_built_is_built_somewhere(house: list[Any], kinds: dict[str, Kind]) -> None:
    text = "".join(source.text for source in house)
    assert [built for built in BUILT if f'f"{built}"' not in text] == [], "nothing builds this type any more"
    assert set(GIVEN) <= set(kinds)


def test_a_type_is_a_noun_and_what_happened(kinds: dict[str, Kind]) -> None:
    assert [type for type in kinds if not re.fullmatch(r"[a-z]+\.[a-z_]+", type)] == []
    assert {type.partition(".")[0] for type in kinds} <= set(GROUPS)
    assert len(kinds) > 40


def mentioned(sources: list[Any], kinds: dict[str, Kind]) -> Iterator[str]:
    """Types that code reads or words that it has for types, which nothing writes."""
    others = {"run", "card", "person", "service", "triage"}  # also names of other things
    nouns = {type.partition(".")[0] for type in kinds} - others
    like = re.compile(rf"(?:{'|'.join(sorted(nouns))})\.[a-z_]+")
    for source in sources:
        for node in ast.walk(source.tree):
            word = node.value if isinstance(node, ast.Constant) else None
            if isinstance(word, str) and like.fullmatch(word) and word not in kinds:
                yield f"{source.path}:{node.lineno} {word}"


def test_nothing_waits_for_a_type_nobody_writes(house: list[Any], kinds: dict[str, Kind]) -> None:
    readers = [source for source in house if not source.path.startswith(("bot/sandbox/", "playbooks/policy"))]
    assert list(mentioned(readers, kinds)) == []


def test_a_planted_dead_type_is_found(planted: Callable[..., Any], kinds: dict[str, Kind]) -> None:
    sources = planted({"commands/x.py": 'TYPES = ("step.succeeded", "step.finished")\n'})
    assert list(mentioned(sources, kinds)) == ["commands/x.py:1 step.finished"]


def code(body: str) -> dict[str, str]:
    return {"commands/x.py": f"def f(tx, changes, step, more):\n    {body}\n"}


@pytest.mark.parametrize(
    ("body", "type", "kind"),
    [
        ('timeline.append(tx, ORG, Entry("a.b", "muster", {"x": 1, **more}, {"why": "t"}))', "a.b", Kind({"x"}, {"why"})),
        ('body = {"x": 1}; body |= {"y": 2}; body["z"] = 3; Entry("a.b", "muster", body)', "a.b", Kind({"x", "y", "z"})),
        ('Entry("a.b" if tx else "a.c", "muster", {}, _typed(reason=1))', "a.c", Kind(set(), {"reason"})),
        ('changes.event("a.b", "muster", x=1, texts={"t": 1} if tx else {})', "a.b", Kind({"x"}, {"t"})),
        ('changes.told("a.b", step, x=1)', "a.b", Kind({"x"} | ABOUT_STEP)),
        ('Entry(f"alert.{kind}", "pagerduty", {"ref": 1})', "alert.resolved", Kind({"ref"})),
    ],
)  # fmt: skip
def test_what_is_read_off_a_call(planted: Callable[..., Any], body: str, type: str, kind: Kind) -> None:
    assert written(planted(code(body)))[type] == kind


@pytest.mark.parametrize(
    "body",
    ['Entry(tx.type, "muster")', 'Entry(f"new.{tx}", "muster")', 'changes.event(f"new.{tx}")', 'Entry("a.b", "m", {tx: 1})'],
)  # fmt: skip
def test_an_event_nobody_can_read_fails(planted: Callable[..., Any], body: str) -> None:
    with pytest.raises(Unreadable):
        written(planted(code(body)))


def test_a_planted_event_is_missed_in_the_document(
    planted: Callable[..., Any], doc: Path, kinds: dict[str, Kind]
) -> None:
    more = {**kinds, **written(planted(code('changes.told("step.forgotten", step, why=1)')))}
    text = doc.read_text(encoding="utf-8")
    assert {type: kind for type, (kind, _) in documented(text).items()} != more
    assert "| `step.forgotten` | attempt, id, run, step, uses, why | — |  |" in drawn(text, more)
