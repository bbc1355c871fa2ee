"""Victims and their outside, and as many fresh databases as a matrix needs."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy.engine import URL

if str(Path(__file__).parents[2]) not in sys.path:
    sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.crash.outside import Outside
from tests.crash.scene import Nursery, Scene
from tests.crash.scene import nursery as start_nursery
from tests.databases import Copies


@pytest.fixture
async def outside() -> AsyncIterator[Outside]:
    async with Outside() as running:
        yield running


@pytest.fixture(scope="session")
def nursery_process() -> Iterator[Any]:
    with start_nursery() as running:
        yield running


@pytest.fixture
async def nursery(nursery_process: Any) -> AsyncIterator[Nursery]:
    async with Nursery(nursery_process) as mine:
        yield mine


@pytest.fixture(params=("sqlite", "postgresql"))
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def fresh(request: pytest.FixtureRequest, backend: str, tmp_path: Path) -> Callable[[], Any]:
    """async with fresh() as url: a migrated, empty database of this backend; the PostgreSQL server is one for all."""
    if backend == "sqlite":
        return lambda: _file(request.getfixturevalue("sqlite_template"), tmp_path)
    server, copies = request.getfixturevalue("server"), request.getfixturevalue("copies")
    return lambda: _copy(server, copies)


@pytest.fixture
def scene(fresh: Callable[[], Any], outside: Outside, nursery: Nursery) -> Callable[[], Any]:
    """async with scene() as one: a fresh database with people on it."""

    @contextlib.asynccontextmanager
    async def make() -> AsyncIterator[Scene]:
        async with fresh() as url:
            made = await Scene.open(url, outside, nursery)
            try:
                yield made
            finally:
                await made.close()

    return make


@contextlib.asynccontextmanager
async def _file(template: Path, folder: Path) -> AsyncIterator[str]:
    path = folder / f"{uuid4().hex}.db"
    shutil.copy(template, path)
    yield f"sqlite:///{path}"


@contextlib.asynccontextmanager
async def _copy(server: URL, copies: Copies) -> AsyncIterator[str]:
    name = await asyncio.to_thread(copies.take)
    try:
        yield server.set(database=name, drivername="postgresql").render_as_string(hide_password=False)
    finally:
        await asyncio.to_thread(copies.give_back, name)
