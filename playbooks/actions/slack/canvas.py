"""`slack.canvas`: write into the channel's canvas, or share it as a file where there is none."""

from __future__ import annotations

import hashlib
import re
from typing import Literal

from pydantic import Field, model_validator

from playbooks.action import Act, Action, Again, Found, Outputs, Plan, Risk, World, action
from playbooks.actions.kept import kept
from playbooks.connectors.answers import ServiceRefused
from playbooks.connectors.slack import NO_CANVAS, Slack, SlackReads
from playbooks.errors import Refused

CLOCK_SLACK_S = 120.0


class Written(Outputs):
    """Where it stands now."""

    canvas_id: str = Field(default="", description="Slack's id of the canvas, empty when it became a file")
    made: bool = Field(default=False, description="The channel had no canvas before")
    file_id: str = Field(default="", description="Slack's id of the file, empty when it is in the canvas")
    permalink: str = Field(default="", description="Address of the file, empty for a canvas")
    why_file: str = Field(default="", description="Why it became a file, in Slack's word")


@action(
    "slack.canvas",
    risk=Risk.WRITE,
    again=Again.NEVER,
    needs=("slack:canvases:write", "slack:canvases:read", "slack:channels:read", "slack:groups:read",
           "slack:files:write", "slack:channels:history", "slack:groups:history"),
    result=Written,
)  # fmt: skip
class Canvas(Action):
    """Write into a channel's canvas

    Example: {uses: slack.canvas, with: {channel: C0123, title: Status, text: "## Status\\n\\nFailing over."}}

    It is added; what people wrote stays. A line at its end says which step wrote it. Where the app may not, or the plan
    has no canvas, it is shared in the channel as a file, which says so.
    """

    channel: str = Field(description="Id of the channel")
    text: str = Field(default="", description="Markdown; else `document`", max_length=100_000)
    document: str = Field(default="", description="Id of a kept document (an output of post_mortem.draft)")
    title: str = Field(
        default="Notes", description="Title of the file, should it become one", min_length=1, max_length=80
    )
    where: Literal["start", "end"] = Field(default="end", description="Where in the canvas")

    why_no_undo = "People write in it too; delete the part in the canvas."

    @model_validator(mode="after")
    def _one(self) -> Canvas:
        if bool(self.text.strip()) == bool(self.document):
            raise ValueError("give `text` or `document`")
        return self

    async def plan(self, world: World) -> Plan:
        """Says what and where; with the scopes there are, also that it becomes a file."""
        slack, text = world.use(SlackReads), await self._text(world)
        scopes = (await slack.auth_test()).scopes
        into = f"to the canvas of {self.channel}, at the {self.where}"
        if scopes and "canvases:write" not in scopes:
            into = f"as the file {self._name()} to {self.channel}, since the app has no canvases:write"
        digest = hashlib.sha256(text.encode()).hexdigest()[:12]
        effect = f"Add {self.title} ({len(text)} characters, sha256 {digest}) {into}"
        return Plan(targets=(f"slack:{self.channel}",), effect=effect)

    async def run(self, act: Act) -> Written:
        """Write it; only a refusal that says that here is no canvas makes it a file."""
        slack, text = act.use(Slack), await self._text(act)
        try:
            canvas = await slack.add_to_canvas(self.channel, f"{text}\n\n_{_mark(act.key)}_", at=self.where)
        except ServiceRefused as error:
            if error.code not in NO_CANVAS:
                raise
            said = f"Meant for this channel's canvas, which Slack refused ({error.code}); so it is a file."
            name, body = self._name(), text.encode()
            file = await slack.upload(self.channel, name, body, title=self.title, comment=said)
            return Written(file_id=file.id, permalink=file.permalink, why_file=error.code)
        return Written(canvas_id=canvas.id, made=canvas.made)

    async def reconcile(self, world: World) -> Found:
        """Looks for the file in the channel, and for this step's line in the canvas."""
        slack = world.use(SlackReads)
        since = (world.started_at or world.now).timestamp() - CLOCK_SLACK_S
        try:
            file = await slack.shared_file(self.channel, self._name(), self.title, since)
            if file is not None:
                done = Written(file_id=file.id, permalink=file.permalink, why_file="found as a file")
                return Found(happened=True, evidence=f"{self._name()} is shared in the channel.", outputs=done)
            canvas = await slack.channel_canvas(self.channel)
            if canvas and await slack.canvas_holds(canvas, _mark(world.key)):
                done = Written(canvas_id=canvas)
                return Found(happened=True, evidence="The canvas holds this step's line.", outputs=done)
        except Refused as error:
            return Found(happened=None, evidence=f"Slack does not let me look: {error}")
        return Found(happened=False, evidence="Neither the canvas nor the channel holds it.")

    async def _text(self, world: World) -> str:
        if self.text:
            return self.text
        return (await kept(world, self.document)).body

    def _name(self) -> str:
        return f"{re.sub(r'[^0-9A-Za-z]+', '-', self.title).strip('-').lower() or 'notes'}.md"

    def say(self, done: Written) -> str:
        """In the canvas, or why not."""
        if done.file_id:
            return f"Shared {self._name()} as a file, not in the canvas: {done.why_file}"
        return f"Wrote {self.title} into {'a new canvas' if done.made else 'the canvas'} of the channel"


def _mark(key: str) -> str:
    """The same for the same attempt, and never in anybody else's text."""
    return f"Written by Muster ({hashlib.sha256(key.encode()).hexdigest()[:12]})"
