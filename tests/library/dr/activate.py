"""`dr/activate`: it says what is down without failing by it, and the declared level is told to the channel."""

from __future__ import annotations

from storage import runs
from tests.library.entry import Entry
from tests.library.stage import CHANNEL, Stage

LEVEL = "regional_outage: Regional outage, RTO 1 h, RPO 15 min, other region (failover/secondary-site)"
SEEN = {
    "users_see": "a time-out at every page",
    "provider_says": "power failure in eu-north-1",
    "affected_users": "1200",
}
# Services of the policy that the stand-ins have no address for.
ELSEWHERE = {
    "${AUTH_HEALTH_URL:-https://auth.example.com/health}": "${CHECKOUT_HEALTH_URL}",
    "${BOOKING_HEALTH_URL:-https://booking.example.com/health}": "${CHECKOUT_CANARY_URL}",
}  # fmt: skip


async def declared(stage: Stage) -> None:
    """The primary's health was down, its database was not; the level stands in the channel."""
    run = (await stage.db.read(lambda tx: runs.of_incident(tx, str(stage.incident))))[0]
    steps = {step.id: step for step in await stage.steps(run.id)}
    assert (steps["primary"].outputs or {})["down"] == ["health"]
    told = stage.posts(CHANNEL)[-1]
    assert told.startswith(f"*Disaster level chosen* for Checkout: {LEVEL}.") and "`/incident level" in told


ENTRY = Entry(
    inputs={"service": "checkout"},
    policy=ELSEWHERE,
    check=declared,
    answers={"outside": SEEN, "level": (LEVEL, "seen")},
)
