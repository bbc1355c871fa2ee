"""`http.post_json`: JSON to an address the policy names."""

from __future__ import annotations

import json
from typing import Any

from pydantic import Field

from playbooks.action import Act, Action, Again, Found, Outputs, Plan, Risk, World, action
from playbooks.connectors.http import Http, HttpReads
from playbooks.errors import Refused
from playbooks.host_commands import masked


class Posted(Outputs):
    """What the receiver answered."""

    webhook: str = Field(description="Name of the webhook")
    status: int = Field(description="HTTP status")
    answer: Any = Field(default=None, description="Its JSON, else its text")


@action("http.post_json", risk=Risk.WRITE, again=Again.NEVER, result=Posted)
class PostJson(Action):
    """Post JSON to a webhook

    Example: {uses: http.post_json, with: {webhook: service_discovery, body: {service: checkout, region: eu-west-1}}}

    Only to addresses of the policy's `webhooks`. Our key goes along in a header; a receiver that acts once per key
    (`keyed`) is asked again after a lost answer, any other is not.
    """

    webhook: str = Field(description="A name from the policy's `webhooks`", min_length=1)
    body: dict[str, Any] = Field(default={}, description="What is posted")

    why_no_undo = "What the receiver did with it is its own; post what takes it back."

    async def plan(self, world: World) -> Plan:
        """Where to, and the whole body."""
        to = world.use(HttpReads).webhook(self.webhook)
        text = json.dumps(self.body, ensure_ascii=False, sort_keys=True)
        if masked(text) != text or "env://" in text or "secret://" in text:
            raise Refused("The body holds what looks like a secret. Nothing was sent.", todo="Use the webhook's auth.")
        return Plan(targets=(f"webhook:{self.webhook}",), effect=f"Post to {self.webhook} ({to.url}): {text[:2000]}")

    async def run(self, act: Act) -> Posted:
        """Post it."""
        await self.plan(act)
        seen = await act.use(Http).post_json(self.webhook, self.body, act.key)
        try:
            answer: Any = json.loads(seen.text)
        except ValueError:
            answer = seen.text
        return Posted(webhook=self.webhook, status=seen.status, answer=answer)

    async def reconcile(self, world: World) -> Found:
        """A receiver that acts once per key is simply asked again; of any other it cannot be told."""
        to = world.use(HttpReads).webhook(self.webhook)
        if to.keyed:
            return Found(False, f"{self.webhook} acts once per key, so it is posted again with the same one.")
        return Found(None, f"{self.webhook} cannot be asked whether it took what was posted.")

    def say(self, done: Posted) -> str:
        """Where to, and the status."""
        return f"{done.webhook} answered {done.status}"
