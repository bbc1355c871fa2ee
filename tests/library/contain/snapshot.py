"""`contain/snapshot`: each volume of the machine has one snapshot, of this incident."""

from __future__ import annotations

from bot.sandbox.aws_seed import MACHINES
from tests.library.entry import Entry
from tests.library.stage import Stage


async def kept(stage: Stage) -> None:
    made = stage.sandbox.aws._backend("ec2", "eu-north-1").snapshots.values()
    cases = [tag["value"] for one in made for tag in one.get_tags() if tag["key"] == "muster-case"]
    assert cases == [stage.incident]


ENTRY = Entry(inputs={"instance": MACHINES[1]}, check=kept)
