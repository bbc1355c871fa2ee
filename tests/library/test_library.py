"""Every playbook of the library is loaded, planned and run on the stand-ins, and each of its steps fails in every way.

What a playbook needs is its entry (entry.py); one without an entry fails here. What must hold is in holds.py.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy.engine import URL

from playbooks.engine.library import BUILT_IN
from tests.library.entry import HERE, entry_of, path_of
from tests.library.stage import PATIENCE_S, Theatre
from tests.library.suffering import all_suffered, rehearsed, suffered

NAMES = [file.relative_to(BUILT_IN).with_suffix("").as_posix() for file in sorted(BUILT_IN.rglob("*.yaml"))]


@pytest.fixture
def build(sqlite_template: Path, tmp_path: Path, server: URL) -> Callable[..., Theatre]:
    """build(patience=): a theatre that is not open yet."""
    shared = server.set(drivername="postgresql").render_as_string(hide_password=False)

    def make(patience: float = PATIENCE_S) -> Theatre:
        folder = tmp_path / f"{patience:g}"
        folder.mkdir()
        return Theatre(sqlite_template, folder, shared, patience=patience)

    return make


def test_every_entry_is_of_a_playbook() -> None:
    known = {path_of(name) for name in NAMES}
    there = {file for file in HERE.rglob("*.py") if file.parent != HERE and not file.name.startswith("_")}
    assert sorted(there - known) == [], "entries of playbooks that are not there"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def theatre(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory, server: URL
) -> AsyncIterator[Theatre]:  # fmt: skip
    """One theatre for all that a worker plays."""
    shared = server.set(drivername="postgresql").render_as_string(hide_password=False)
    async with Theatre(sqlite_template, tmp_path_factory.mktemp("theatre"), shared) as one:
        yield one


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("name", NAMES)
async def test_it_is_planned_and_runs_and_each_step_may_fail(theatre: Theatre, name: str) -> None:
    problems = await all_suffered(theatre, name, entry_of(name))
    assert not problems, "\n".join(problems)


@pytest.mark.soak
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("name", NAMES)
async def test_every_request_fails_in_every_way(build: Callable[..., Theatre], name: str) -> None:
    entry = entry_of(name)
    async with build() as theatre:
        good, failures = await rehearsed(theatre, name, entry, every=True)
    async with build(patience=4.0) as theatre:  # silence is played too
        problems = await suffered(theatre, name, entry, good, [[one] for one in failures])
    assert not problems, "\n".join(problems)
