"""`comms/share-post-mortem`: the version that is named, as a file in the incident's channel."""

from __future__ import annotations

from storage import documents
from tests.library.entry import Entry
from tests.library.stage import CHANNEL, Stage


async def kept(stage: Stage) -> None:
    """A version people wrote."""
    words = {"stream": "INC-1", "name": "INC-1-post-mortem.md", "key": "kept", "body": "# x\n"}
    made = await stage.db.write(lambda tx: documents.keep(tx, **words))
    stage.keep["document"] = made.id


async def shared(stage: Stage) -> None:
    """One file, in the incident's channel."""
    assert [f.channels for f in stage.sandbox.world.files.values() if f.completed] == [[CHANNEL]]


ENTRY = Entry(
    prepare=kept, inputs=lambda stage: {"document": stage.keep["document"], "into": "file"}, check=shared,
    skipped=("canvas",),
)  # fmt: skip
