"""A record that holds what a test says it holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from playbooks.action import Act
from playbooks.errors import Refused
from playbooks.ports import Record


class Holds(Record):
    """Ours, not a vendor's: a stand-in of the timeline. None: it holds whatever it is asked for."""

    def __init__(self, heads: tuple[str, ...] | None) -> None:
        self._heads = heads

    async def holds(self, heads: tuple[str, ...]) -> None:
        if self._heads is not None and set(heads) - set(self._heads):
            raise Refused("The timeline holds no such head.")


@pytest.fixture
def carry(act: Callable[..., Act]) -> Callable[..., Act]:
    """carry(tool, ..., key=, holds=): what `run` is handed, with a record beside the tools."""

    def make(*tools: Any, key: str = "key-1", holds: tuple[str, ...] | None = None) -> Act:
        made = act(*tools, key=key)
        return Act({**made._tools, Record: Holds(holds)}, now=made.now, key=key, started_at=made.started_at)

    return make
