"""What a playbook of the library needs to be played: one short file per playbook, found by the playbook's name.

`failover/rds-multi-az` is played as `tests/library/failover/rds_multi_az.py` says in its `ENTRY`.
Belongs here: the words of an entry. Does not belong here: playing (stage.py), what must hold (holds.py).
"""

from __future__ import annotations

import importlib.util
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.library.stage import Stage

HERE = Path(__file__).parent
Do = Callable[["Stage"], Awaitable[None]]
Told = str | tuple[str, str] | Mapping[str, str] | Callable[["Stage", str, Any], Awaitable[None]]


@dataclass(frozen=True)
class Entry:
    """How one playbook is played.

    inputs: as people type them (`{"service": "checkout"}`), or a function of the stage, called after `prepare`.
    incident: the incident it belongs to, as fields of `Stage.declare`; None: the organisation's own run.
    before: playbooks played first, in the same incident, each with its own entry's inputs.
    prepare: makes the outside as the playbook expects to find it (`stage.tool(Aws)`, `stage.sandbox`, `stage.keep`).
    answers: what people say to each step that asks: a choice, (choice, words), the values of a form as typed, or an
        `async def (stage, run, step)`. Checklists are ticked, and waiting is cut short, without being told so.
    check: asserts what the outside shows after the playbook succeeded, however often something failed on the way.
    skipped: steps whose condition does not hold in the good run. All others must succeed.
    not_planned: steps that a dry run refuses rightly, because an earlier step of the same playbook makes what they need.
    breaks: step -> makes what it touches fail, for steps that ask no stand-in with planned faults (a real database);
        such a step must then end badly, in words, and `mends` (if given) lets a retry succeed.
    policy: replacements in the example policy's text, old -> new.
    thorough: every failure mode on every run of the suite instead of two (for a few playbooks; `make soak` does all).
    """

    inputs: Mapping[str, Any] | Callable[[Stage], Mapping[str, Any]] = field(default_factory=dict)
    incident: Mapping[str, Any] | None = field(default_factory=dict)
    before: tuple[str, ...] = ()
    prepare: Do | None = None
    answers: Mapping[str, Told] = field(default_factory=dict)
    check: Do | None = None
    skipped: tuple[str, ...] = ()
    not_planned: tuple[str, ...] = ()
    breaks: Mapping[str, Do] = field(default_factory=dict)
    mends: Do | None = None
    policy: Mapping[str, str] = field(default_factory=dict)
    kind: str = "real"
    site: str | None = None
    thorough: bool = False


def path_of(name: str) -> Path:
    """Where the entry of a playbook stands: failover/rds-multi-az -> tests/library/failover/rds_multi_az.py."""
    return HERE / f"{name.replace('-', '_')}.py"


def entry_of(name: str) -> Entry:
    """The entry of that playbook. Raises LookupError naming the file to write."""
    path = path_of(name)
    if not path.is_file():
        raise LookupError(
            f"{name} has no tests/library/{path.relative_to(HERE).as_posix()}: without an entry it is not played. "
            "CONTRIBUTING.md says how to write one."
        )
    spec = importlib.util.spec_from_file_location(f"tests_library_{name.replace('/', '_').replace('-', '_')}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found = module.ENTRY
    assert isinstance(found, Entry), f"{path} has no ENTRY"
    return found
