"""A real PostgreSQL for the benches: the session's, or one that runs already."""

from __future__ import annotations

import os

import pytest
from sqlalchemy import URL


@pytest.fixture(scope="session")
def postgres_url(server: URL) -> str:
    """Address of an empty PostgreSQL; MUSTER_TEST_POSTGRES names one that runs already."""
    own = server.set(drivername="postgresql").render_as_string(hide_password=False)
    return os.environ.get("MUSTER_TEST_POSTGRES") or own
