"""The forms of `/playbook run` and `/playbook plan`: which playbook, then what it asks for, each input by its type.

Belongs here: how they look, within Slack's limits (contract A8). Does not belong here: when they open and what is wrong
in them (bot/running.py), what becomes of them (commands/playbook/run.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bot.render.blocks import Block, context, cut, escape, section
from bot.render.forms import Origin
from bot.render.modal import modal
from commands.fields import INPUTS
from playbooks.action import find
from playbooks.engine.model import Input, Playbook
from playbooks.policy import Policy

OPTIONS_MOST = 100  # of a select, and of each group in one
TEXT_MOST = 75
SENDS = {"playbook run": "Ask for it", "playbook plan": "Plan"}
TITLES = {"playbook run": "Run a playbook", "playbook plan": "Plan a playbook"}
YES_NO = (("yes", "yes"), ("no", "no"))


def chooser(words: str, titles: Mapping[str, str], origin: Origin) -> Block:
    """Which playbook, grouped by kind. titles: name -> title."""
    kinds: dict[str, list[tuple[str, str]]] = {}
    for name, title in titles.items():
        kinds.setdefault(name.partition("/")[0], []).append((name, f"{name}: {title}" if title else name))
    groups = [{"label": _plain(kind), "options": _options(listed)} for kind, listed in kinds.items()]
    select: Block = {"type": "static_select", "action_id": "playbook", "option_groups": groups[:OPTIONS_MOST]}
    above = [section("Nothing starts yet: what it asks for comes next."),
             context(f"Or type it whole: `/{words} failover/rds-multi-az service=checkout`")]  # fmt: skip
    return _sent(words, "Next", origin, [*above, _input("Playbook", "playbook", select, required=True)])


def inputs(
    words: str,
    playbook: Playbook,
    policy: Policy,
    origin: Origin,
    given: Mapping[str, Any],
    incidents: Sequence[tuple[str, str]] = (),
) -> Block:
    """What the playbook asks for. given: input -> what it begins with; incidents: (id, label) where none is clear."""
    about = playbook.description.strip().split("\n\n")[0] or playbook.title
    blocks = [section(f"*{escape(playbook.name)}* {escape(cut(playbook.title, 150))}\n{escape(cut(about, 1500))}")]
    blocks.append(context(_what_it_does(playbook)))
    if incidents:
        select: Block = {"type": "static_select", "action_id": "incident", "options": _options(incidents)}
        blocks.append(_input("Incident", "incident", select, required=False, hint="none: it belongs to no incident"))
    for item in playbook.inputs:
        said = given.get(item.name, item.default)
        blocks.append(_asked(item, policy, said))
    return _sent(words, SENDS[words], origin, blocks)


def _what_it_does(playbook: Playbook) -> str:
    """`4 steps; step 2 is destructive and waits for approval`"""
    risks = {step.index: step.risk or action.risk for step in playbook.steps if (action := find(step.uses))}
    worst = [str(index) for index, risk in risks.items() if risk.destructive]
    count = f"{len(playbook.steps)} step{'s' if len(playbook.steps) != 1 else ''}"
    if not worst:
        return f"{count}, none of them destructive."
    which = f"step {worst[0]} is" if len(worst) == 1 else f"steps {', '.join(worst[:12])} are"
    return f"{count}; {which} destructive and {'waits' if len(worst) == 1 else 'wait'} for approval."


def _asked(item: Input, policy: Policy, said: Any) -> Block:
    """One input: chosen where policy or playbook say what there is, else typed."""
    name = f"{INPUTS}{item.name}"
    hint = item.description if item.type != "time" else f"{item.description} (14:05, or 2026-11-22T14:05)".strip()
    label = item.name.replace("_", " ").capitalize()
    return _input(label, name, _element(item, name, policy, said), required=item.required, hint=hint)


def _element(item: Input, name: str, policy: Policy, said: Any) -> Block:
    if item.type == "person":
        mention = str(said or "")
        initial = {"initial_user": mention.strip("<@>").partition("|")[0]} if mention.startswith("<@") else {}
        return {"type": "users_select", "action_id": name, **initial}
    begins = _text(item, said)
    if offered := _offered(item, policy):
        options = _options(offered)
        element: Block = {"type": "static_select", "action_id": name, "options": options}
        initial_option = next((one for one in options if one["value"] == begins), None)
        return element | ({"initial_option": initial_option} if initial_option else {})
    if item.type == "integer":
        number: Block = {"type": "number_input", "is_decimal_allowed": False, "action_id": name}
        return number | ({"initial_value": begins} if begins.lstrip("+-").isdigit() else {})
    long = item.type in ("text", "list")
    typed: Block = {
        "type": "plain_text_input",
        "action_id": name,
        "multiline": long,
        "max_length": 3000 if long else 500,
    }
    return typed | ({"initial_value": begins[:500]} if begins else {})


def _offered(item: Input, policy: Policy) -> list[tuple[str, str]]:
    """What there is to choose from: (value, label). Empty: it is typed."""
    if item.type == "service":
        return [(name, f"{name}: {one.title}" if one.title else name) for name, one in policy.services.items()]
    if item.type == "site":
        return [(name, f"{name}: {one.title}" if one.title else name) for name, one in policy.sites.items()]
    if item.type == "boolean":
        return list(YES_NO)
    if item.type == "string" and item.name == "severity":
        return [(name, f"{name}: {one.title}") for name, one in policy.severities.items()]
    return [(choice, choice) for choice in item.choices]


def _text(item: Input, said: Any) -> str:
    if said is None or (isinstance(said, str) and "${{" in said):
        return ""
    if isinstance(said, bool):
        return "yes" if said else "no"
    return ", ".join(map(str, said)) if isinstance(said, list | tuple) else str(said)


def _sent(words: str, send: str, origin: Origin, blocks: list[Block]) -> Block:
    return {**modal(TITLES[words], origin, blocks), "submit": _plain(send)}


def _options(offered: Iterable[tuple[str, str]]) -> list[Block]:
    fits = [(value, label) for value, label in offered if len(value) <= TEXT_MOST]
    return [{"text": _plain(cut(label, TEXT_MOST)), "value": value} for value, label in fits[:OPTIONS_MOST]]


def _input(label: str, name: str, element: Block, *, required: bool, hint: str = "") -> Block:
    block: Block = {"type": "input", "block_id": f"field.{name}"[:255], "label": _plain(cut(label, 150)),
                    "optional": not required, "element": element}  # fmt: skip
    return block | ({"hint": _plain(cut(hint, 500))} if hint.strip() else {})


def _plain(text: str) -> Block:
    return {"type": "plain_text", "text": text or " ", "emoji": True}
