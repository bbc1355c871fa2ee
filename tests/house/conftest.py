"""The house looked at from outside: its sources as parsed files, and a place to plant faults in.

A house rule is a plain function from sources to findings. Each is held against the real tree, where it finds nothing,
and against a small tree with one fault in it, where it must find exactly that.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("bot", "commands", "playbooks", "storage")


@dataclass(frozen=True)
class Source:
    """One Python file. path: from the root, with forward slashes."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.path)

    @property
    def package(self) -> str:
        return self.path.partition("/")[0]


def sources_of(root: Path, *folders: str) -> list[Source]:
    return [
        Source(file.relative_to(root).as_posix(), file.read_text(encoding="utf-8"))
        for folder in folders
        for file in sorted((root / folder).rglob("*.py"))
    ]


@pytest.fixture(scope="session")
def root() -> Path:
    """The root of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def house() -> list[Source]:
    """Every file of the four packages."""
    return sources_of(ROOT, *PACKAGES)


@pytest.fixture(scope="session")
def tests() -> list[Source]:
    """Every test file."""
    return sources_of(ROOT, "tests")


@pytest.fixture
def planted(tmp_path: Path) -> Callable[[Mapping[str, str]], list[Source]]:
    """Write files (path -> text) into an empty tree and read its sources; the tree itself is `tmp_path`."""

    def plant(files: Mapping[str, str]) -> list[Source]:
        for path, text in files.items():
            file = tmp_path / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        return sources_of(tmp_path, *{path.partition("/")[0] for path in files})

    return plant
