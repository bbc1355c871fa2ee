"""`post_mortem.draft`: the first draft, from the timeline."""

from __future__ import annotations

from pydantic import Field

from playbooks.action import Act, Action, Again, Outputs, Plan, Risk, World, action
from playbooks.ports import Drafts


class Drafted(Outputs):
    """The kept draft."""

    document: str = Field(description="Id of the kept document")
    name: str = Field(description='File name as people see it ("INC-42-post-mortem.md")')
    sha256: str = Field(description="SHA-256 of the text, hex")


@action("post_mortem.draft", risk=Risk.WRITE, again=Again.KEYED, facts={"post_mortem": "document"}, result=Drafted)
class Draft(Action):
    """Draft the post-mortem

    Example: {uses: post_mortem.draft, with: {incident: INC-42}}
    """

    incident: str = Field(description="Id of the incident, INC-42", min_length=1)

    why_no_undo = "A draft harms nobody; draft it again."

    async def plan(self, world: World) -> Plan:
        """Says of which incident."""
        world.use(Drafts)  # type: ignore[type-abstract]
        return Plan(targets=(f"incident:{self.incident}",), effect=f"Draft the post-mortem of {self.incident}")

    async def run(self, act: Act) -> Drafted:
        """Draft and keep it; the same key gives the same document."""
        made = await act.use(Drafts).post_mortem(self.incident, act.key)  # type: ignore[type-abstract]
        return Drafted(document=made.id, name=made.name, sha256=made.sha256)

    def say(self, done: Drafted) -> str:
        """name is drafted."""
        return f"{done.name} is drafted"
