"""`/playbook list`: what can be run."""

from __future__ import annotations

from typing import Annotated

from commands.command import Call, Command, Reply, command
from commands.fields import Arg
from commands.words import cut, esc
from playbooks.errors import Refused
from playbooks.reading import nearest

MOST = 40


@command("playbook list", who="plan", group="Look", examples=("playbook list", "playbook list failover"))
class List(Command):
    """List the playbooks, or those of one kind"""

    kind: Annotated[str, Arg("word", "the first word of their names, such as failover")] = ""

    def act(self, call: Call, seen: None) -> Reply:
        """Names with their titles."""
        titles = call.house.library.titles()
        names = list(titles)
        wanted = self.kind.strip("/").lower()
        kind = [name for name in names if not wanted or name.startswith(f"{wanted}/")]
        found = kind or [name for name in names if wanted in name]
        if not found:
            kinds = sorted({name.partition("/")[0] for name in names})
            near = nearest(wanted, kinds)
            hint = f" Did you mean **{near}**?" if near else ""
            raise Refused(
                f"There are no playbooks **{wanted}**.{hint} Kinds: {', '.join(kinds)}.", todo="`/playbook list`"
            )
        listed = [f"• *{name}* {esc(cut(titles[name], 90))}" for name in found[:MOST]]
        if len(found) > MOST:
            listed.append(f"… and {len(found) - MOST} more: `/playbook list &lt;kind&gt;`")
        return Reply(text="\n".join(listed), data={"playbooks": found})
