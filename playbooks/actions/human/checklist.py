"""`human.checklist`: items that people tick off, each with an owner and a time; nothing is passed over in silence."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from playbooks.action import Act, Action, Again, Answer, Outputs, Park, Plan, Question, Risk, World, action
from playbooks.actions.durations import Length
from playbooks.audience import Who
from playbooks.durations import words

DAY = timedelta(days=1)


class Item(BaseModel):
    """One line of the list. owner: a role, a group, `anyone`; empty: the list's `who`. due: from when it is asked."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    text: str = Field(min_length=1, max_length=500)
    owner: Who = ""
    due: Length | None = None


def _item(given: Any) -> Any:
    """A bare text is an item of the list's `who`."""
    return {"text": given} if isinstance(given, str) else given


class Checked(Outputs):
    """What became of each item."""

    items: list[dict[str, Any]] = Field(description="Each with text, owner, state (done or skipped), by, at, reason")
    done: int = Field(description="How many were done")
    skipped: int = Field(description="How many were left out, each with a reason")


@action("human.checklist", risk=Risk.WRITE, again=Again.KEYED, result=Checked)
class Checklist(Action):
    """Have people tick off a list

    Example: {uses: human.checklist, with: {title: After 4 h, items: [{text: Read the logs, owner: sre, due: 4h}]}}

    An item is a text, or `text` with `owner` and `due`. Each is ticked by its owner, or left out with a reason. An item
    that is overdue reminds its owner, once. The step succeeds when nothing is left.
    """

    title: str = Field(description="What the list is for", min_length=1, max_length=500)
    items: list[Annotated[Item, BeforeValidator(_item)]] = Field(
        description="What is to be done", min_length=1, max_length=20
    )
    who: Who = Field(default="commander", description="Whose the items without an owner are: a role, a group, `anyone`")
    shown: str = Field(default="", description="What people should look at first", max_length=2000)
    due: Length | None = Field(
        default=None, description="When what is left escalates: a day after the latest item's time, unless said"
    )

    why_no_undo = "A list changes nothing outside; ask again."

    def _within(self) -> timedelta:
        return self.due or max((item.due for item in self.items if item.due), default=timedelta()) + DAY

    def _asked(self) -> Park:
        items = tuple(
            {
                "text": item.text,
                "owner": item.owner or self.who,
                "due_s": item.due.total_seconds() if item.due else None,
            }
            for item in self.items
        )
        within = self._within().total_seconds()
        return Park(
            question=Question(text=self.title, who=self.who, choices=(), shown=self.shown, due_in_s=within, items=items)
        )

    async def plan(self, world: World) -> Plan:
        """Says who has to do what until when."""
        owners = dict.fromkeys(item.owner or self.who for item in self.items)
        effect = f"Have {len(self.items)} items ticked off: “{self.title}” (by {', '.join(owners)}; "
        return Plan(
            targets=tuple(f"role:{owner}" for owner in owners), effect=f"{effect}all due in {words(self._within())})"
        )

    async def run(self, act: Act) -> Park:
        """Ask."""
        return self._asked()

    async def resume(self, act: Act, answer: Answer | None) -> Outputs | Park:
        """Take what people said of each item; as long as one is open, the list stays."""
        if answer is None or len(answer.items) < len(self.items):
            return self._asked()
        items = [
            {key: one.get(key) for key in ("text", "owner", "state", "by", "at", "reason")} for one in answer.items
        ]
        if any(item["state"] not in ("done", "skipped") for item in items):
            return self._asked()
        done = sum(item["state"] == "done" for item in items)
        return Checked(items=items, done=done, skipped=len(items) - done)

    def say(self, done: Checked) -> str:
        """title: how many were done, and what was left out and why."""
        left = "; ".join(f"{one['text']}: {one['reason']}" for one in done.items if one["state"] == "skipped")
        return f"“{self.title}”: {done.done} of {len(done.items)} done" + (f"; left out: {left}" if left else "")
