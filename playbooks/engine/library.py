"""The playbooks there are: the built-in folder and the organisation's own, each file under the name it is called by.

Belongs here: finding a playbook by name, re-reading a changed file, keeping the last good text of a broken edit. Does
not belong here: what a playbook may contain (load.py), the text a run is bound to (the run stores its own).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from playbooks.action import Action, Risk, find
from playbooks.engine.addressed import unknown
from playbooks.engine.load import load_text
from playbooks.engine.model import Playbook, Step
from playbooks.errors import Refused
from playbooks.policy import Policy
from playbooks.policy_approvals import read_override
from playbooks.reading import hint, nearest

BUILT_IN = Path(__file__).resolve().parent.parent / "library"
_TITLE = re.compile(r"^title:[ \t]*(.+)$", re.MULTILINE)
_NAME = re.compile(r"[a-z0-9][a-z0-9-]*(?:/[a-z0-9][a-z0-9-]*)+")


@dataclass(frozen=True)
class _Read:
    """One reading of a file. stamp: (modified ns, size); playbook: the last good one; problem: what is wrong now."""

    stamp: tuple[int, int]
    playbook: Playbook | None
    problem: str | None


class Library:
    """Playbooks by name. Of two folders with the same name the later one wins, so policy can replace a built-in."""

    def __init__(
        self, paths: Iterable[Path] = (BUILT_IN,), actions: Callable[[str], type[Action] | None] = find
    ) -> None:
        self._paths = tuple(paths)
        self._actions = actions
        self._read: dict[Path, _Read] = {}

    def names(self) -> tuple[str, ...]:
        """Every playbook that can be found, sorted. Files that have never been readable are left out."""
        named = {self._name(root, file) for root in self._paths for file in sorted(root.rglob("*.yaml"))}
        return tuple(sorted(name for name in named if self._get(name) is not None))

    def has(self, name: str) -> bool:
        """Whether there is a file of that name, readable or not; looks for nothing near it, so it is quick."""
        return self._file(name.strip().lower()) is not None

    def texts(self) -> dict[str, str]:
        """Name -> text of its file, sorted, without making playbooks of them: all of those take seconds the first time.

        A file that no playbook can be made of is among them; `find` says what is wrong in it.
        """
        return {name: _text(file) for name, file in self._files().items()}

    def titles(self) -> dict[str, str]:
        """Name -> title as its line says, sorted; as quick as `texts`."""
        return {name: title_of(text) for name, text in self.texts().items()}

    def find(self, name: str) -> Playbook:
        """The playbook of that name as its file says now, or as it last said something readable.

        Raises Refused with the nearest name, or with the file's problems when it has never been readable.
        """
        name = name.strip().lower()
        found = self._get(name)
        if found is not None:
            return found
        if (file := self._file(name)) is not None:
            problem = self._read[file].problem
            raise Refused(f"The playbook **{name}** cannot be read:\n{problem}", todo="Correct the file and try again.")
        names = tuple(self._files())
        best = next((known for known in names if known.startswith(name)), None) or nearest(name, names)
        near = f" Did you mean **{best}**?" if best else ""
        folder = (best or name).split("/")[0]
        listed = f" {folder}" if any(known.startswith(f"{folder}/") for known in names) else ""
        raise Refused(f"No playbook **{name}**.{near}", todo=f"`/playbook list{listed}`")

    def problems(self) -> dict[str, str]:
        """Name -> what is wrong, for every file that cannot be read now. Where an earlier text was good, it is used."""
        self.names()
        there = {file: self._name(root, file) for root in self._paths for file in root.rglob("*.yaml")}
        return {there[file]: read.problem for file, read in list(self._read.items()) if file in there and read.problem}

    def _files(self) -> dict[str, Path]:
        """Name -> its file, sorted, readable or not; only the folders are looked at."""
        found = {self._name(root, file): file for root in self._paths for file in root.rglob("*.yaml")}
        return {name: found[name] for name in sorted(found) if _NAME.fullmatch(name)}

    def _name(self, root: Path, file: Path) -> str:
        return file.relative_to(root).with_suffix("").as_posix()

    def _file(self, name: str) -> Path | None:
        """Where the playbook is; a name that is not one never becomes a path."""
        if not _NAME.fullmatch(name):
            return None
        files = [root / f"{name}.yaml" for root in reversed(self._paths)]
        return next((file for file in files if file.is_file()), None)

    def _get(self, name: str) -> Playbook | None:
        """The playbook, read again when its file changed."""
        file = self._file(name)
        if file is None:
            return None
        last = self._read.get(file)
        try:
            stat = file.stat()
            stamp = (stat.st_mtime_ns, stat.st_size)
            if last is None or last.stamp != stamp:
                self._read[file] = self._again(name, file, stamp, last)
        except OSError as error:
            problem = f"{file.name}: {error.strerror}"
            self._read[file] = _Read((0, 0), last.playbook if last else None, problem)
        return self._read[file].playbook

    def _again(self, name: str, file: Path, stamp: tuple[int, int], last: _Read | None) -> _Read:
        try:
            text = file.read_text(encoding="utf-8")
            return _Read(stamp, load_text(text, f"{name}.yaml", self._actions, expected=name), None)
        except UnicodeDecodeError as error:
            problem = f"{name}.yaml:1: not UTF-8 ({error.reason})"
        except Refused as error:
            problem = str(error)
        return _Read(stamp, last.playbook if last else None, problem)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def title_of(text: str) -> str:
    """What the title's line of a playbook's text says; "" when there is none."""
    said = _TITLE.search(text)
    return said[1].strip().strip("\"'") if said else ""


def against(library: Library, policy: Policy) -> list[str]:
    """What policy and library say about each other that is not so, one line each; for `muster doctor`.

    Severities that name playbooks nobody wrote; steps whose `approvals` name unknown groups or leave nobody to approve,
    or that ask whom the policy does not know.
    """
    names = set(library.names())
    wrong = [
        f"severities.{severity.name}.{verb}: there is no playbook {wanted}{hint(wanted, names)}"
        for severity in policy.severities.values()
        for verb, wanted in (("declare", severity.declare), ("resolve", severity.resolve), ("cancel", severity.cancel))
        if wanted not in names
    ]
    for name in sorted(names):
        for step in library.find(name).steps:
            found = [*_approvals_against(step, policy), *unknown(policy, step.uses, step.with_)]
            wrong += [f"{name}: step {step.id}: {what}" for what in found]
    return wrong


def _approvals_against(step: Step, policy: Policy) -> list[str]:
    """Groups the policy does not have, and rules that leave nobody to approve."""
    override = read_override(step.approvals)
    unknown = sorted({*(override.from_ or ()), *override.groups} - {"everyone", *policy.groups})
    wrong = [f"there is no group {group}{hint(group, policy.groups)}" for group in unknown]
    try:
        policy.rule_for(Risk.RECOVERABLE, override)
    except Refused as error:
        wrong += [] if unknown else [error.message]
    return wrong
