"""The law: no effect without an entry, no entry by hand. Who may write what, who may act, who may see a secret."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from typing import Any

import pytest

# Who appends to the timeline, and what of.
APPENDERS = {
    "playbooks/engine/transition.py": "every move of a run, step or approval",
    "playbooks/engine/starting.py": "a run was asked for",
    "storage/levels.py": "the disaster level of an incident, declared by a person",
    "storage/incidents.py": "what happens to an incident, people's own entries, first deliveries of cards",
    "storage/standing.py": "links, other incidents, followers; that one is private, closed or open again",
    "storage/tasks.py": "what has to be done, by whom",
    "storage/clocks.py": "regulatory clocks, and reminders that were put off",
    "storage/impact.py": "who is hit, until when, which services",
    "storage/followups.py": "what is to be done after an incident",
    "storage/proposals.py": "words for the public, and who let them go",
    "storage/post_mortems.py": "who wrote which version of a post-mortem",
    "commands/letters.py": "who wrote to a mailing list",
    "storage/captures.py": "messages that people put on timelines, and what became of them",
    "storage/triage.py": "alerts that came in, and what people decided on them",
    "storage/people.py": "people, accounts and groups",
    "storage/joining.py": "accounts that turned out to be one person's",
    "playbooks/engine/deciding.py": "decisions of two people",
    "playbooks/engine/breaking.py": "glass that cannot be broken: a decision is no step",
    "commands/timers/quorum_check.py": "quorums nobody could reach",
    "storage/policies.py": "policies found and adopted",
    "storage/anchors.py": "heads anchored outside, and places that do not take them",
    "storage/export.py": "what was carried away",
    "storage/journal.py": "what was done without the database, imported with its own times",
    "storage/holds.py": "legal holds",
    "storage/retention.py": "streams that leave the record",
    "storage/erasing.py": "texts that were redacted",
    "storage/auditors.py": "auditors let in, and each use",
    "storage/forgetting.py": "persons who were erased",
    "storage/escrow.py": "who an erased person was: opened, read, expired",
    "storage/credentials.py": "terminals that speak for people",
    "storage/resealing.py": "sealed values that were sealed by a new key",
    "storage/factors.py": "second factors: enrolled, failed, locked, revoked",
    "storage/sessions.py": "who signed in to the pages and out, and who was refused",
    "commands/dispatch.py": "who was refused",
}
# Who writes the rows that carry statuses. Leases and fences are storage/runs.py's, no statuses.
STATUS_WRITERS = {
    "playbooks/engine/transition.py": {"runs", "steps", "approvals"},
    "playbooks/engine/starting.py": {"runs", "steps"},
    "playbooks/engine/asking.py": {"approvals"},
    "playbooks/engine/voting.py": {"votes"},
    "playbooks/engine/breaking.py": {"approvals", "votes"},
    "storage/runs.py": {"runs"},
    "storage/retention.py": {"runs", "steps", "approvals", "votes"},  # deletes them with their stream, moves none
    "storage/forgetting.py": {"runs"},  # whose account asked, no status
}
STATUSES = {"runs", "steps", "approvals", "votes"}
# What the doors may ask of the record's writers: reading, and the one fact that a card was told.
DOORS_MAY = {"get", "find", "told", "roles", "roles_of", "open_ones", "latest", "by_channel", "get_by_number"}
LOOKS = ("look", "plan", "verify", "reconcile", "_check", "_events")
WRITES = ("insert", "update", "delete", "insert_or", "change", "fresh_insert")


def calls(tree: ast.AST) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def appenders(sources: list[Any]) -> Iterator[str]:
    """Files that call the timeline's `append`, under whatever name."""
    for source in sources:
        names = _imported(source.tree, "storage.timeline", "append")
        modules = _imported(source.tree, "storage", "timeline")
        for call in calls(source.tree):
            func = call.func
            direct = isinstance(func, ast.Name) and func.id in names
            via = isinstance(func, ast.Attribute) and func.attr == "append" and _is(func.value, modules)
            if direct or via:
                yield source.path


def _imported(tree: ast.AST, module: str, name: str) -> set[str]:
    """The names a file gives to `name` of `module`."""
    return {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == module
        for alias in node.names
        if alias.name == name
    }


def _is(node: ast.expr, names: set[str]) -> bool:
    return isinstance(node, ast.Name) and node.id in names


def status_writers(sources: list[Any]) -> Iterator[tuple[str, str]]:
    """Path and table of every statement that writes runs, steps, approvals or votes."""
    for source in sources:
        tables = {name: table for table in STATUSES for name in _imported(source.tree, "storage.tables", table)}
        modules = _imported(source.tree, "storage", "tables")
        for call in calls(source.tree):
            if isinstance(call.func, ast.Name) and call.func.id in WRITES:
                for given in call.args:
                    if isinstance(given, ast.Name) and given.id in tables:
                        yield source.path, tables[given.id]
                    elif isinstance(given, ast.Attribute) and _is(given.value, modules) and given.attr in STATUSES:
                        yield source.path, given.attr


def doors_that_write(sources: list[Any]) -> Iterator[str]:
    """Calls of `bot` into the writers of incidents, beyond what a door may."""
    for source in sources:
        if source.package != "bot" or source.path.startswith("bot/sandbox/"):
            continue
        modules = _imported(source.tree, "storage", "incidents")
        for call in calls(source.tree):
            func = call.func
            if isinstance(func, ast.Attribute) and _is(func.value, modules) and func.attr not in DOORS_MAY:
                yield f"{source.path}:{call.lineno} {func.attr}"
        for node in ast.walk(source.tree):
            if isinstance(node, ast.ImportFrom) and node.module == "storage.incidents":
                taken = {alias.name for alias in node.names if alias.name[:1].islower()} - DOORS_MAY
                yield from (f"{source.path}:{node.lineno} {name}" for name in sorted(taken))


def acting_tools(sources: list[Any]) -> set[str]:
    """Connector classes that can act."""
    return {
        node.name
        for source in sources
        if source.path.startswith("playbooks/connectors/")
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ClassDef)
        for line in node.body
        if isinstance(line, ast.Assign) and ast.unparse(line) == "acting = True"
    }


def looks_that_act(sources: list[Any], acting: set[str]) -> Iterator[str]:
    """Actions whose look, plan, verify or reconcile takes an acting tool: only run, resume and undo may."""
    for source in sources:
        if not source.path.startswith("playbooks/actions/"):
            continue
        for function in ast.walk(source.tree):
            if isinstance(function, ast.AsyncFunctionDef | ast.FunctionDef) and function.name in LOOKS:
                for call in calls(function):
                    used = [arg.id for arg in call.args if isinstance(arg, ast.Name) and arg.id in acting]
                    if isinstance(call.func, ast.Attribute) and call.func.attr == "use" and used:
                        yield f"{source.path}:{call.lineno} {function.name} uses {used[0]}"


def revealers(sources: list[Any]) -> Iterator[str]:
    """Files that take `reveal` from playbooks.secrets, or reach it through the module."""
    for source in sources:
        modules = _imported(source.tree, "playbooks", "secrets")
        through = any(
            isinstance(node, ast.Attribute) and node.attr == "reveal" and _is(node.value, modules)
            for node in ast.walk(source.tree)
        )
        if through or _imported(source.tree, "playbooks.secrets", "reveal"):
            yield source.path


def test_the_timeline_has_few_writers(house: list[Any]) -> None:
    assert set(appenders(house)) == set(APPENDERS)


def test_statuses_have_few_writers(house: list[Any]) -> None:
    found: dict[str, set[str]] = {}
    for path, table in status_writers(house):
        found.setdefault(path, set()).add(table)
    assert found == STATUS_WRITERS


def test_doors_decide_nothing(house: list[Any]) -> None:
    assert list(doors_that_write(house)) == []


def test_looking_cannot_act(house: list[Any]) -> None:
    acting = acting_tools(house)
    assert {"Slack", "Aws"} <= acting
    assert list(looks_that_act(house, acting)) == []


def test_only_connectors_reveal_secrets(house: list[Any]) -> None:
    found = set(revealers(house))
    assert found
    assert [path for path in found if not path.startswith("playbooks/connectors/")] == []


APPEND = "from storage import timeline\n\ndef f(tx):\n    timeline.append(tx, 'org')\n"
RENAMED = "from storage.timeline import append as write_down\n\ndef f(tx):\n    write_down(tx, 'org')\n"
LIST = "from storage import timeline\n\ndef f(tx):\n    [].append(timeline.read(tx))\n"


@pytest.mark.parametrize(("code", "found"), [(APPEND, True), (RENAMED, True), (LIST, False)])
def test_a_planted_entry_by_hand_is_found(planted: Callable[..., Any], code: str, found: bool) -> None:
    assert bool(list(appenders(planted({"commands/x.py": code})))) is found


@pytest.mark.parametrize(
    "code",
    [
        "from storage.tables import steps\n\ndef f(tx):\n    tx.conn.execute(update(steps).values(state='done'))\n",
        "from storage.tables import approvals as asked\n\ndef f(tx):\n    tx.conn.execute(delete(asked))\n",
        "from storage import tables\n\ndef f(tx):\n    tx.conn.execute(insert_or(tx, tables.votes))\n",
        "from storage.tables import runs\n\ndef f(tx):\n    change(tx, runs, {'id': 'x'}, {'state': 'done'})\n",
    ],
)
def test_a_planted_status_is_found(planted: Callable[..., Any], code: str) -> None:
    assert [path for path, _ in status_writers(planted({"bot/x.py": code}))] == ["bot/x.py"]


@pytest.mark.parametrize(
    "code",
    [
        "from storage import incidents\n\ndef f(tx):\n    incidents.resolve(tx, 'INC-1', by='P-1', resolution='')\n",
        "from storage.incidents import resolve\n",
    ],
)
def test_a_planted_deciding_door_is_found(planted: Callable[..., Any], code: str) -> None:
    assert len(list(doors_that_write(planted({"bot/x.py": code})))) == 1


def test_a_planted_acting_look_is_found(planted: Callable[..., Any]) -> None:
    sources = planted({
        "playbooks/connectors/fax.py": "class FaxReads:\n    pass\n\nclass Fax(FaxReads):\n    acting = True\n",
        "playbooks/actions/fax/send.py": "class Send(Action):\n    async def plan(self, world):\n        world.use(Fax)\n"
        "    async def run(self, act):\n        act.use(Fax)\n    async def verify(self, world, done):\n        world.use(FaxReads)\n",
    })  # fmt: skip
    assert list(looks_that_act(sources, acting_tools(sources))) == ["playbooks/actions/fax/send.py:3 plan uses Fax"]


@pytest.mark.parametrize("code", ["from playbooks.secrets import SecretRef, reveal\n", "from playbooks import secrets\nx = secrets.reveal\n"])  # fmt: skip
def test_a_planted_revealer_is_found(planted: Callable[..., Any], code: str) -> None:
    assert list(revealers(planted({"playbooks/actions/x.py": code}))) == ["playbooks/actions/x.py"]
