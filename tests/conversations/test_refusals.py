"""Every command typed wrongly, and by who may not: one answer to that person alone, and nothing changed.

It says what is wrong, that nothing happened and what to type instead, or who can. All wrong lines of a command are typed
at the same moment; they change nothing in the record or outside, but that an attempt to approve, confirm or prove is
kept as one, and a refusal of permission. Forms say what is wrong beside the field and stay open. A new command needs
lines in wrong_lines.py, and a reason in not_allowed.py where nobody is refused.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
from sqlalchemy import select

from commands.command import load_commands
from commands.fields import fields_of
from playbooks.policy_sections import Permissions
from storage.tables import inbox
from tests.conversations.every_command import ANA, EVE, HERE, TYPED, Moment
from tests.conversations.hearing import answer_to, typed_at_once, unchanged
from tests.conversations.not_allowed import GUARDED, NOBODY_REFUSED
from tests.conversations.scene import Scene
from tests.conversations.theatre import Stage
from tests.conversations.wrong_lines import FORMS, GENERAL, WRONG, Wrong

pytestmark = pytest.mark.asyncio(loop_scope="module")
NOTHING = re.compile(
    r"\b(nothing|nobody|no task) (was|is|has)\b|changes nothing|does not count|already counts|is not resolved", re.I
)
NEXT = re.compile(r"`[^`]+`|\[[A-Z]|Ask |can approve|Choose one of|Take the one|looks like|Name the other|Pick the name|"
                  r"copy the link|second person|Take them out|say anything to Muster", re.I)  # fmt: skip
OURS = re.compile(r"went wrong|traceback|exception|validation error|pydantic|sqlalchemy|\bNone\b|\{|\w+Error\b")
LOOKS = ("Look", "Look before leaping")
GUEST, ZOE = "U0GUS", "U0ZOE"  # Zoe: a full member, in no group
PRIVATE = "UPDATE incidents SET private = 1 WHERE id = 'INC-2'"
TITLE = "search is slow"


def lacking(words: str, one: Wrong, said: str, names: dict[str, str]) -> list[str]:
    """What an answer does not say that it must, and what it says that it must not."""
    looks = load_commands()[words].group in LOOKS
    lacks = [word for word in one.says if word.format(**names).lower() not in said.lower()]
    lacks += [] if looks or NOTHING.search(said) else ["that nothing was done"]
    lacks += [] if NEXT.search(said) or "already counts" in said else ["what to do next"]
    return lacks + [f"not {word}" for word in OURS.findall(said)]


async def test_every_command_has_wrong_lines() -> None:
    assert set(WRONG) == set(load_commands()), "a new command needs lines in wrong_lines.py"
    assert all(WRONG.values())
    timed = {
        words for words, cls in load_commands().items() if {f.arg.kind for f in fields_of(cls)} & {"time", "until"}
    }
    formed = {words for words in timed if "form" in vars(load_commands()[words])}
    assert formed - {"incident followups"} <= set(FORMS), "a form with a time needs a wrong one in wrong_lines.py"


@pytest.mark.parametrize("words", sorted(WRONG))
async def test_wrong_lines(scene: Scene, words: str) -> None:
    stage, moment = scene
    plain = [one for one in WRONG[words] if "code=" not in one.rest]
    for some in (plain, *([one] for one in WRONG[words] if one not in plain)):
        await stage.rewind()
        names = {**moment.names, "code": await moment.phone.code()}
        lines = {one: f"/{words} {one.rest.format(**names)}".strip() for one in some}
        heard = await typed_at_once(stage, [(one.by, one.at, line) for one, line in lines.items()])
        bad = []
        for one, line in lines.items():
            answer = answer_to(heard, one.by, one.at, line)
            if lacks := lacking(words, one, answer, names):
                bad.append(f"{line} ({one.by} in {one.at}) lacks {lacks}:\n{answer}\n")
        assert not bad, "\n".join(bad)
        unchanged(words, heard)


@pytest.mark.parametrize("words", sorted(FORMS))
async def test_a_form_says_beside_the_field_what_is_wrong(scene: Scene, words: str) -> None:
    """It stays open with what was typed, and nothing is asked."""
    stage, _ = scene
    sb, (values, wanted) = stage.town.sb, FORMS[words]
    await stage.rewind()
    old = {view.id for view in await sb.views(ANA)}
    await sb.type(ANA, HERE, f"/{words}")
    view = await sb.wait_until(lambda: _opened(sb, old))
    sent = await sb.submit(ANA, values, view_id=view.id)
    assert sent.body and sent.body["response_action"] == "errors", sent
    errors = {name.removeprefix("field."): text for name, text in sent.body["errors"].items()}
    assert set(errors) == set(wanted)
    for name, says in wanted.items():
        assert all(word in errors[name] for word in says) and not OURS.findall(errors[name]), errors
    assert view.id in {one.id for one in await sb.views(ANA)}, "it is still open, with what was typed"
    assert not stage.before ^ await stage.app.db.read(lambda tx: set(tx.conn.execute(select(inbox.c.key)).scalars()))
    await sb.close_view(ANA, view.id)


async def _opened(sb: Any, old: set[str]) -> Any:
    return next((view for view in await sb.views(ANA) if view.id not in old), None)


# --- missing permission ---------------------------------------------------------------------------------------------


def restricted() -> list[str]:
    """The commands that a permission of the policy guards."""
    return [words for words, cls in load_commands().items() if cls.who not in ("everyone", "anyone")]


async def test_each_command_is_guarded_or_says_why_nobody_is_refused() -> None:
    tables = (set(restricted()), set(GUARDED), set(NOBODY_REFUSED))
    assert set.union(*tables) == set(load_commands()), "a new command needs a line in not_allowed.py"
    assert sum(map(len, tables)) == len(load_commands()), "one place for each"


async def seen(stage: Stage, user: str) -> None:
    """This person is in the channel, and Muster has met them."""
    sb = stage.town.sb
    if user == ZOE:
        await sb.user(ZOE, name="Zoe", email="zoe@example.com")
    await sb.change_channel(HERE.removeprefix("#"), add=[user])
    await stage.rewind()
    await sb.type(user, HERE, "/incident help")
    await stage.settled()
    await stage.begin()


def right_lines(moment: Moment, words: list[str]) -> dict[str, str]:
    """Their right lines, with a code that is none."""
    names = {**moment.names, "code": "000000"}
    return {one: f"/{one} {TYPED[one][1].format(**names)}".strip() for one in words}


async def test_who_lacks_the_permission_hears_who_can(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    stage, moment = scene
    await stage.rewind()
    few = Permissions(declare=("sre",), run=("sre",), plan=("sre",), disaster=("sre",), administer=("administrators",))
    house = stage.app.dispatch.house
    monkeypatch.setattr(house, "policy", house.policy.model_copy(update={"permissions": few}))
    lines = right_lines(moment, restricted())
    heard = await typed_at_once(stage, [(ANA, HERE, line) for line in lines.values()])
    unchanged("", heard, "access.refused")
    for words, line in lines.items():
        answer = answer_to(heard, ANA, HERE, line)
        assert f"`/{words}` is for `@sre`. Nothing was done. Ask " in answer, answer
        assert "Ben" in answer and "Chi" in answer, "who can"


async def test_who_is_in_no_group_counts_for_nothing(scene: Scene) -> None:
    stage, moment = scene
    await seen(stage, ZOE)
    lines = {one: f"/{one} {rest.format(**moment.names)}" for one, (rest, _) in GUARDED.items()}
    heard = await typed_at_once(stage, [(ZOE, HERE, line) for line in lines.values()])
    bad = []
    for words, line in lines.items():
        answer = answer_to(heard, ZOE, HERE, line)
        bad += [f"{line}: {answer}"] if [word for word in GUARDED[words][1] if word not in answer] else []
    assert not bad, "\n".join(bad)
    for name in ("approvals", "decisions", "leftovers", "reviews"):
        assert heard.before.get(name) == heard.after.get(name), name
    assert {row["id"]: row["state"] for row in heard.before["runs"]} == {
        row["id"]: row["state"] for row in heard.after["runs"]
    }


async def test_a_guest_is_refused_everything(scene: Scene) -> None:
    stage, moment = scene
    await seen(stage, GUEST)
    lines = right_lines(moment, [words for words, cls in load_commands().items() if cls.who != "anyone"])
    heard = await typed_at_once(stage, [(GUEST, HERE, line) for line in lines.values()])
    unchanged("", heard, "access.refused")
    for words, line in lines.items():
        answer = answer_to(heard, GUEST, HERE, line)
        assert "guest" in answer and "Nothing was done" in answer and f"`/{words}`" in answer, answer
        assert "full member" in answer and "Ask somebody" in answer


# --- private incidents ----------------------------------------------------------------------------------------------


def about(words: str, id: str, moment: Moment) -> tuple[str, str] | None:
    """(place, the command's line about that incident or its first run), None where it names neither."""
    kinds = {field.arg.kind for field in fields_of(load_commands()[words])}
    rest = TYPED[words][1]
    if "run" in kinds:
        after = re.sub(r"^\{\w+\}\s*|code=\S+\s*", "", rest).replace("code={code}", "").strip()
        return GENERAL, f"/{words} {id}/1 {after}".strip()
    if words == "incident triage":
        return GENERAL, f"/{words} T-1 join {id}"
    if words in ("incident merge", "incident parent", "incident related"):
        return HERE, f"/{words} {id}"
    if "incident" not in kinds:
        return None
    after = re.sub(r"^(incident=)?INC-\d+\s*", "", rest).format(**{**moment.names, "code": "000000"})
    return GENERAL, f"/{words} incident={id} {after}".strip()


async def test_a_private_incident_is_as_if_it_were_not_there(scene: Scene) -> None:
    """Each command that takes an incident or a run answers an outsider as about one that does not exist."""
    stage, moment = scene
    await stage.rewind(PRIVATE)
    asked = {words: (about(words, "INC-2", moment), about(words, "INC-99", moment)) for words in load_commands()}
    pairs = {words: (real, none) for words, (real, none) in asked.items() if real and none}
    assert len(pairs) > 60
    heard = await typed_at_once(stage, [(EVE, place, line) for pair in pairs.values() for place, line in pair])
    unchanged("", heard)
    for words, (real, none) in pairs.items():
        there, nowhere = answer_to(heard, EVE, *real), answer_to(heard, EVE, *none)
        assert there == nowhere.replace("INC-99", "INC-2"), f"{words}: {there} and not {nowhere}"
        assert "There is no " in there and TITLE not in there, there
    await stage.begin(PRIVATE)
    looks = ["/incident list all", "/playbook decisions", "/incident note it broke", "/playbook abort"]
    heard = await typed_at_once(stage, [(EVE, GENERAL, line) for line in looks])
    assert not [said for said in heard.said.values() if TITLE in said]
