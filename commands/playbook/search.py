"""`/playbook search`: which playbook is for this?"""

from __future__ import annotations

from typing import Annotated

from commands.command import Button, Call, Command, Reply, command
from commands.fields import Arg
from commands.words import cut, esc, joined
from playbooks.engine.library import title_of

MOST = 8


@command(
    "playbook search",
    who="plan",
    group="Look",
    examples=("playbook search replica", "playbook search rds failover"),
)
class Search(Command):
    """Search the playbooks by what they say and do"""

    query: Annotated[str, Arg("line", "some words: what is broken, what should happen")]

    def act(self, call: Call, seen: None) -> Reply:
        """Those with all words; where none has, those with the most of them. A name counts more than a text."""
        wanted = list(dict.fromkeys(self.query.lower().replace("/", " ").replace("-", " ").split()))
        texts = call.house.library.texts()
        scored = [(_score(name, text, wanted), name) for name, text in texts.items()]
        best = max((hits for (hits, _), _ in scored), default=0)
        found = [(score, name) for score, name in scored if best and score[0] == best]
        found.sort(key=lambda one: (-one[0][1], one[1]))
        if not found:
            kinds = sorted({name.partition("/")[0] for name in texts})
            return Reply(
                text=f"No playbook speaks of *{esc(self.query)}*. `/playbook list &lt;kind&gt;`: "
                f"{esc(', '.join(kinds))}.",
                data={"playbooks": []},
            )
        named = [name for _, name in found]
        listed = [f"• *{name}* {esc(cut(title_of(texts[name]), 90))}" for name in named[:MOST]]
        if len(named) > MOST:
            listed.append(f"… and {len(named) - MOST} more: say more words.")
        if best < len(wanted):
            listed.insert(0, f"None speaks of {joined([f'*{esc(one)}*' for one in wanted])} all at once. Nearest:")
        buttons = tuple(Button(label=f"Show {name}"[:75], line=f"playbook show {name}") for name in named[:3])
        return Reply(text="\n".join(listed), buttons=buttons, data={"playbooks": named})


def _score(name: str, text: str, wanted: list[str]) -> tuple[int, int]:
    """(how many of the words it has, how well)."""
    title, body = title_of(text).lower(), text.lower()
    hits = [8 * (word in name) + 4 * (word in title) + (word in body) for word in wanted]
    return sum(1 for one in hits if one), sum(hits)
