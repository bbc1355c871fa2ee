"""`record.anchor_file`: heads of the timeline as lines of a file that is only ever appended to."""

from __future__ import annotations

from pydantic import Field

from playbooks.action import Act, Action, Again, Outputs, Plan, Risk, World, action
from playbooks.actions.heads import Heads, line, words
from playbooks.connectors.files import FileReads, Files
from playbooks.ports import Record


class Anchored(Outputs):
    """Where the lines are."""

    ref: str = Field(description="The file")


@action("record.anchor_file", risk=Risk.WRITE, again=Again.KEYED, needs=("file:append",), result=Anchored)
class AnchorFile(Action):
    """Anchor the record in a file

    Example: {uses: record.anchor_file, with: {path: /var/log/muster/anchors.jsonl, at: "2026-11-22T05:00:00.000000Z", \
heads: ["INC-42@41:sha256:9f2c9f2c9f2c9f2c9f2c9f2c9f2c9f2c9f2c9f2c9f2c9f2c9f2c9f2c9f2c9f2c"]}}
    """

    path: str = Field(description="The file; a relative one stands in Muster's working directory", min_length=1)
    at: str = Field(description="When the heads were read, RFC 3339")
    heads: Heads

    why_no_undo = "An anchor that can be taken back proves nothing."

    async def plan(self, world: World) -> Plan:
        """Says which heads go where; refuses when the file cannot be appended to."""
        await world.use(FileReads).appendable(self.path)
        return Plan(targets=(f"file:{self.path}",), effect=f"Append to {self.path}: {words(self.heads)}")

    async def run(self, act: Act) -> Anchored:
        """Append the lines that are not there yet, and wait for the disk."""
        await act.use(Record).holds(self.heads)  # type: ignore[type-abstract]
        await act.use(Files).append_once(self.path, [line(head, self.at) for head in self.heads])
        return Anchored(ref=self.path)

    def say(self, done: Anchored) -> str:
        """Where which heads are anchored."""
        return f"Anchored in {self.path}: {words(self.heads)}"
