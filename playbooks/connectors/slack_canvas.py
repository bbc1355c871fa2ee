"""A channel's canvas in Slack: finding it, seeing whether something stands in it, adding to it.

Belongs here: the calls of conversations.canvases.* and canvases.*, and what their refusals mean. Does not belong here:
any other call (`slack.py`), what is written (the action).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from playbooks.connectors.answers import ServiceRefused
from playbooks.connectors.slack_calls import SlackCalls
from playbooks.connectors.slack_words import Json

MOST = 1_048_576  # characters of markdown in one call (Slack's own number)
# Here a bot writes no canvas: its scope, the plan, a setting, or the canvas' own rights. Nothing was written.
NO_CANVAS = frozenset({
    "missing_scope", "canvas_disabled_user_team", "team_tier_cannot_create_channel_canvases", "restricted_action",
    "free_team_canvas_tab_already_exists", "free_teams_cannot_edit_standalone_canvases", "canvas_not_found",
})  # fmt: skip


@dataclass(frozen=True)
class Canvas:
    """A channel's canvas. made: it was not there before."""

    id: str
    made: bool


class CanvasReads(SlackCalls):
    """What can be asked of canvases."""

    async def channel_canvas(self, channel: str) -> str:
        """Id of the channel's canvas, "" when it has none."""
        body: Json = (await self._call("conversations.info", write=False, channel=channel))["channel"]
        return str(((body.get("properties") or {}).get("canvas") or {}).get("file_id") or "")

    async def canvas_holds(self, canvas: str, text: str) -> bool:
        """Whether some section of a canvas contains this text. Needs canvases:read."""
        criteria = {"contains_text": text}
        body = await self._call("canvases.sections.lookup", write=False, canvas_id=canvas, criteria=criteria)
        return bool(body.get("sections"))


class Canvases(CanvasReads):
    """What can be done with them."""

    async def add_to_canvas(self, channel: str, markdown: str, *, at: Literal["start", "end"] = "end") -> Canvas:
        """Add to the channel's canvas, or make one of it; what people wrote there stays.

        Refused with a code of NO_CANVAS where a bot cannot. Somebody may make it between our look and our call.
        """
        known = await self.channel_canvas(channel)
        content = {"type": "markdown", "markdown": markdown}
        if not known:
            try:
                made = await self._call(
                    "conversations.canvases.create", write=True, channel_id=channel, document_content=content
                )
            except ServiceRefused as error:
                known = await self.channel_canvas(channel) if error.code == "channel_canvas_already_exists" else ""
                if not known:
                    raise
            else:
                return Canvas(str(made["canvas_id"]), made=True)
        change = {"operation": f"insert_at_{at}", "document_content": content}
        await self._call("canvases.edit", write=True, canvas_id=known, changes=[change])
        return Canvas(known, made=False)
