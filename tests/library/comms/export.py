"""`comms/export`: one file, to whoever asked and nobody else."""

from __future__ import annotations

from tests.library.entry import Entry
from tests.library.stage import Stage


async def sent(stage: Stage) -> None:
    """One file, in a direct message."""
    (file,) = [one for one in stage.sandbox.world.files.values() if one.completed]
    assert (file.title, file.channels) == ("Timeline of INC-1", [stage.sandbox.world.direct("U0BEN").id])


ENTRY = Entry(inputs={"person": "U0BEN", "document": "export:INC-1:jsonl:1"}, check=sent)
