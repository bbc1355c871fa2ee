"""`/playbook list`: what can be run."""

from __future__ import annotations

from typing import Annotated

from commands.command import Call, Command, Reply, command
from commands.fields import Arg
from commands.words import cut, esc
from playbooks.errors import Refused
from playbooks.reading import nearest

MOST = 40
FIRST = ("failover", "restore", "contain", "dr", "failback", "assess")  # what people look for in a hurry


@command("playbook list", who="plan", group="Look", examples=("playbook list", "playbook list failover"))
class List(Command):
    """List the playbooks, or those of one kind

    Alone: the names of each kind, what recovers first. With a kind: what each of them is.
    """

    kind: Annotated[str, Arg("word", "the first word of their names, such as failover")] = ""

    def act(self, call: Call, seen: None) -> Reply:
        """Names, or names with their titles."""
        titles = call.house.library.titles()
        names = list(titles)
        if not self.kind:
            return Reply(text=_by_kind(names), data={"playbooks": names})
        wanted = self.kind.strip("/").lower()
        kind = [name for name in names if name.startswith(f"{wanted}/")]
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
            listed.append(f"… and {len(found) - MOST} more: `/playbook search` with more words finds them.")
        return Reply(text="\n".join(listed), data={"playbooks": found})


def _by_kind(names: list[str]) -> str:
    """*failover* `rds-multi-az` `secondary-site` …, one line for each kind: all of it is one screen."""
    kinds: dict[str, list[str]] = {}
    for name in names:
        kind, _, rest = name.partition("/")
        kinds.setdefault(kind, []).append(f"`{esc(rest or name)}`")
    order = [kind for kind in FIRST if kind in kinds] + sorted(kind for kind in kinds if kind not in FIRST)
    listed = [f"*{esc(kind)}/* {' '.join(kinds[kind])}" for kind in order]
    tail = "`/playbook list failover` says what each is; `/playbook search replica` finds by words."
    return "\n".join([*listed, tail])
