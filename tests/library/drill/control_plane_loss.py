"""`drill/control-plane-loss`: staging failed over, its traffic was flipped and flipped back; nothing is applied."""

from __future__ import annotations

from tests.library.entry import Entry
from tests.library.prepared import machine
from tests.library.stage import Stage


async def rehearsed(stage: Stage) -> None:
    host = machine(stage, "staging")
    assert any("--region-failover" in line for line in host.ran)
    assert any("terraform plan" in line for line in host.ran) and not any("apply" in line for line in host.ran)
    assert not machine(stage, "dr").ran, "nothing is touched beside staging"
    flips = [(one["hook"], one["body"]["region"]) for one in stage.sandbox.outside.taken]
    assert flips == [("staging_discovery", "us-west-2"), ("staging_discovery", None)]


ENTRY = Entry(
    inputs={"service": "checkout"}, kind="drill", site="sandbox", check=rehearsed,
    answers={"gated": ("it is", "the production workspace needs two reviews")},
)  # fmt: skip
