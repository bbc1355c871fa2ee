"""`host/emergency-start`: every container is healthy, and what ran already was left alone."""

from __future__ import annotations

from tests.library.entry import Entry
from tests.library.prepared import machine
from tests.library.stage import Stage


async def stopped(stage: Stage) -> None:
    """All but nginx are stopped."""
    for one in machine(stage).containers.values():
        if one.service != "nginx":
            one.stop()
    stage.keep["since"] = machine(stage).containers["ecommerce_nginx"].started_at


async def runs(stage: Stage) -> None:
    host = machine(stage)
    assert host.well and host.containers["ecommerce_nginx"].started_at == stage.keep["since"]


ENTRY = Entry(
    inputs={"service": "storefront"}, incident={"service": "storefront"}, prepare=stopped, check=runs,
    not_planned=("checks",),
)  # fmt: skip
