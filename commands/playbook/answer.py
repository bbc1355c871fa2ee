"""`/playbook answer`: the buttons and forms of a step that asks people, or of a step whose outcome is unknown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from commands.command import Call, Reply, command
from commands.fields import Arg
from commands.house import House
from commands.kinds import looks
from commands.reading import cut
from commands.runs import OfRun, asking, reply
from playbooks.engine import answering
from playbooks.engine.asked import groups_of_questions
from playbooks.errors import Refused
from playbooks.reading import nearest
from storage import incidents, runs
from storage.db import Tx
from storage.inbox import Ask

FIELD = "field."  # a form's fields travel under this name, so that none is taken for one of the command's own
ITEM, STATE = f"{FIELD}item", f"{FIELD}state"  # of a checklist's form


@command(
    "playbook answer",
    group="Run",
    place="here",
    examples=(
        "playbook answer INC-42/2 yes both sites answer",
        "playbook answer INC-42/2 step=confirm happened",
        "playbook answer INC-42/2 restore_to=14:05 the 14:05 copy has the right checksum",
        "playbook answer INC-42/2 3 skip there is no second region here",
    ),
)
class Answer(OfRun):
    """Answer what a step asks: a choice, the fields of a form, an item of a list

    A choice comes first, then why. Fields are `name=value`, then how you know. An item is its number, and `skip` with a
    reason when it is not to be done. Without any of it Slack opens a form.
    """

    step: Annotated[str, Arg("word", "its number or id, when more than one asks", keyed=True)] = ""
    choice: Annotated[str, Arg("word", "the answer, as buttons give it", keyed=True)] = ""
    text: Annotated[str, Arg("rest", "the answer and why, or how you know")] = ""

    @classmethod
    def form(cls, ask: Ask) -> bool:
        """With nothing but the run and the step it opens a form."""
        words = [token for token in cut(ask.line)[2:] if token.key not in ("step", "run")]
        return not words or (len(words) == 1 and not words[0].key and looks("run", words[0].value))

    async def before(self, ask: Ask, house: House) -> None:
        """Look at who answers and at the groups that are asked: whether it counts is decided on rows."""
        groups = await house.db.read(lambda tx: groups_of_questions(tx, house.policy, _meant(tx, ask, self.run)))
        await house.directory.refresh_for_vote(house.policy, groups, (ask.account_kind, ask.account))

    def act(self, call: Call, seen: None) -> Reply:
        """The engine knows which answers fit, and who may give them."""
        run = asking(call, self.run)
        values = {
            name.removeprefix(FIELD): str(value) for name, value in call.ask.values.items() if name.startswith(FIELD)
        }
        typed, text = fields_in(self.text, _names(call.tx, run.id, self.step))
        choice = self.choice
        if "item" in values and not typed:  # the form of a checklist
            choice, text = values.pop("item"), f"{values.pop('state', 'done')} {text}".strip()
        if not (choice or text or values or typed):
            raise Refused("Which answer?", todo=f"Try `/{self.examples[0]}`")
        said = answering.answer(
            call.tx, call.house.engine, run=run.id, step=self.step or None, actor=call.actor,
            choice=choice.strip(), text=text, values={**values, **typed},
        )  # fmt: skip
        return reply(said)


def _meant(tx: Tx, ask: Ask, said: str) -> list[str]:
    """The runs that may be meant: the one that is named, or all of the channel's incident."""
    here = incidents.by_channel(tx, ask.channel) if ask.channel and (not said or said.startswith("/")) else None
    if here is None:
        return [said] if said else []
    return [f"{here.id}{said}"] if said else [run.id for run in runs.of_incident(tx, here.id)]


def fields_in(text: str, names: list[str]) -> tuple[dict[str, str], str]:
    """The `name=value` words of a typed answer that are, or nearly are, fields (`names`), and what is left of it."""
    found: dict[str, str] = {}
    rest, at = "", 0
    for token in cut(text) if names else ():
        if token.key and nearest(token.key, names):
            found[token.key] = token.value
            rest, at = rest + text[at : token.start], token.end
    return found, " ".join((rest + text[at:]).split()) if found else text


def _names(tx: Tx, run: str, step: str) -> list[str]:
    """The fields of the form that is meant, none where no form is."""
    for one in runs.steps_of(tx, run):
        fields: list[Mapping[str, Any]] = (one.question or {}).get("fields") or []
        if one.state == "parked" and fields and step in ("", str(one.idx), one.id):
            return [str(field["name"]) for field in fields]
    return []
