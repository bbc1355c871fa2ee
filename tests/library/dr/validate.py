"""`dr/validate`: tests, tiers and load, a person's word on the performance, and the teams know."""

from __future__ import annotations

from tests.library.away import away
from tests.library.entry import Entry
from tests.library.prepared import machine
from tests.library.stage import CHANNEL, Stage

ELSEWHERE = {
    "${AUTH_HEALTH_URL:-https://auth.example.com/health}": "${CHECKOUT_SECONDARY_HEALTH_URL}",
    "${BOOKING_HEALTH_URL:-https://booking.example.com/health}": "${CHECKOUT_CANARY_URL}",
}


async def ready(stage: Stage) -> None:
    """checkout and storefront run at the other site."""
    await away(stage)
    for one in machine(stage, "dr").containers.values():
        one.health = "healthy"


async def told(stage: Stage) -> None:
    assert "*DR activation complete* for Checkout: validated at Ireland; monitoring stability." in stage.posts(CHANNEL)


ENTRY = Entry(
    inputs={"service": "checkout"}, policy=ELSEWHERE, prepare=ready, check=told,
    answers={"acceptable": ("yes", "p95 below 300 ms")}, skipped=("status",),
)  # fmt: skip
