"""Whom a question is for, and whether this person may answer it: decided on rows, in the answer's transaction.

A role is whoever holds it in the run's incident now, a group is its members by the directory's rows. In place of them
administrators and those who may approve runs answer where nobody holds the role, where there are fewer of them than the
question takes, or once they were silent until it was due; that it was in their place is on the record.
Does not belong here: recording answers (answering.py), passing questions on (escalating.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from playbooks.directory import Person
from playbooks.engine.addressed import ANYONE, COMMANDER
from playbooks.engine.approvals import join
from playbooks.errors import Refused
from playbooks.policy import Policy, Role
from storage import incident_rows, joining, people, runs
from storage.db import Tx
from storage.people import EVERYONE, MEMBER, UNVERIFIED
from storage.runs import Run, Step

_ANOTHER = (
    "Policy wants somebody else to read these words first (`second_person`): not who asked for this run or this "
    "attempt, or wrote something in it. Nothing was recorded."
)


@dataclass(frozen=True)
class Audience:
    """Who stands behind one name. title: as people read it; role: its name, "" for what is none; persons: who that is
    now; anyone: every full member of the workspace."""

    name: str
    title: str
    persons: tuple[str, ...] = ()
    role: str = ""
    anyone: bool = False


@dataclass(frozen=True)
class Verdict:
    """Whether somebody may answer. in_place_of: for whom, when not for themselves; code: barred or who; why: words."""

    ok: bool
    in_place_of: str = ""
    code: str = ""
    why: str = ""


def audience(tx: Tx, policy: Policy, run: Run, name: str) -> Audience:
    """Who a name of a question means now. A name that is neither role nor group means nobody."""
    if name in ("", ANYONE, EVERYONE):
        return Audience(ANYONE, "anyone", anyone=True)
    if (role := _role(policy, name)) is not None:
        held = incident_rows.roles(tx, run.incident).get(role.name) if run.incident else None
        persons = _full(tx, [held.person]) if held else ()
        return Audience(role.name, f"the {_lower(role.title)}", persons, role.name)
    if name in policy.groups:
        inside = [one for one in people.voters(tx, [name]) if one.state in (MEMBER, UNVERIFIED)]
        proven = (one for one in inside if any(m.group == name and m.for_voting for m in one.memberships))
        return Audience(name, f"@{name}", tuple(one.person for one in proven))
    return Audience(name, name)


def _lower(title: str) -> str:
    """ "Incident commander" inside a sentence; "SRE lead" stays."""
    return title if title[1:2].isupper() else f"{title[:1].lower()}{title[1:]}"


def _role(policy: Policy, name: str) -> Role | None:
    try:
        return policy.role(name)
    except Refused:
        return None


def _full(tx: Tx, persons: Sequence[str]) -> tuple[str, ...]:
    """Those of them whose account is still a full member's."""
    known = people.voters_by_id(tx, persons)
    return tuple(person for person in persons if known[person].state in (MEMBER, UNVERIFIED))


def stand_ins(policy: Policy) -> tuple[str, ...]:
    """The groups that answer in place of who is asked: administrators, and those who may approve runs."""
    section = policy.approvals
    return tuple(dict.fromkeys([*policy.permissions.administer, *section.from_, *section.groups]))


def may_answer(
    tx: Tx, policy: Policy, run: Run, step: Step, actor: Person, *, who: str = "", people: int = 1, silent: bool = False
) -> Verdict:
    """Whether this person's answer counts now. who: the owner of an item, else who the question asks; silent: whether
    they let its time pass, also before the whole question was passed on."""
    question = step.question or {}
    named = who or str(question.get("who") or "")
    first = audience(tx, policy, run, named)
    another = bool(question.get("another"))
    several = people > 1 and not question.get("requester")
    out = barred(tx, run, step) if another or several else frozenset()
    if another:
        out |= _wrote(tx, run)
    if actor.person in out:
        return Verdict(False, code="barred", why=_ANOTHER if another else _barred_words(people))
    if first.anyone or actor.person in first.persons:
        return Verdict(True)
    passed_on = [str(name) for name in question.get("asked") or ()][1:]
    for name in passed_on:
        one = audience(tx, policy, run, name)
        if one.anyone or actor.person in one.persons:
            return Verdict(True, in_place_of=first.title)
    open_ = len(set(first.persons) - out) < people or bool(passed_on) or silent
    groups = stand_ins(policy)
    if open_ and (EVERYONE in groups or actor.groups & set(groups)):
        return Verdict(True, in_place_of=first.title)
    return Verdict(False, code="who", why=_refusal(tx, policy, run, step, first, open_=open_))


def may_say_outcome(tx: Tx, policy: Policy, run: Run, actor: Person) -> Verdict:
    """Whether somebody may say what became of a lost step: who may run playbooks, who leads or operates the incident
    now, and those who answer in place of others."""
    groups = {*policy.permissions.run, *stand_ins(policy)}
    roles = [audience(tx, policy, run, role.name) for role in _leading(policy)]
    if EVERYONE in groups or actor.groups & groups or any(actor.person in role.persons for role in roles):
        return Verdict(True)
    words = f"What became of it is said by {outcome_words(policy)}. Nothing was recorded."
    take = f" Who takes the role may too: `/incident role {roles[0].role} me`." if roles and run.incident else ""
    return Verdict(False, code="who", why=f"{words}{take}")


def outcome_words(policy: Policy) -> str:
    """Who that is, for people: "@sre, @administrators, the incident commander or the tech lead"."""
    groups = dict.fromkeys([*policy.permissions.run, *stand_ins(policy)])
    if EVERYONE in groups:
        return "anyone"
    return join([*(f"@{name}" for name in groups), *(f"the {_lower(role.title)}" for role in _leading(policy))], "or")


def _leading(policy: Policy) -> list[Role]:
    """The roles that answer for what runs: the commander, and whoever the policy also calls ops."""
    found = [role for name in (COMMANDER, "ops") if (role := _role(policy, name)) is not None]
    return list({role.name: role for role in found}.values())


def groups_of_questions(tx: Tx, policy: Policy, of: Sequence[str]) -> list[str]:
    """The groups that matter for who may answer what these runs ask."""
    steps = [step for run in of for step in runs.steps_of(tx, run)]
    named = [str(name) for step in steps for name in (step.question or {}).get("asked") or ()]
    named += [str(item["owner"]) for step in steps for item in (step.question or {}).get("items") or ()]
    named += policy.permissions.run if any(step.state == "asking" for step in steps) else ()
    return [name for name in dict.fromkeys([*named, *stand_ins(policy)]) if name in policy.groups]


def barred(tx: Tx, run: Run, step: Step) -> frozenset[str]:
    """Who asked for the run or this attempt, or changed what it was given: not one of several, unless it says so."""
    return frozenset(joining.carried(tx, dict.fromkeys([run.requester, *run.editors, *step.requesters], "")))


def _wrote(tx: Tx, run: Run) -> frozenset[str]:
    """Who filled in a form of this run: its words are theirs."""
    filled = (step.answer or {} for step in runs.steps_of(tx, run.id))
    return frozenset(joining.carried(tx, {str(one["person"]): "" for one in filled if one.get("values")}))


def ladder(tx: Tx, policy: Policy, run: Run, question: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Whom a silent question is passed on to, in order: the commander, then the service's owners (without a service
    that names them, the administrators; of a restricted incident, who may see it). Left out: who is nobody now, and who
    was asked already."""
    service = policy.services.get(run.service or "")
    owners = (service.owners,) if service is not None and service.owners else policy.permissions.administer
    incident = incident_rows.get(tx, run.incident) if run.incident else None
    if incident is not None and incident.private:
        owners = policy.permissions.see_private
    named = [str(name) for name in question.get("asked") or [question.get("who") or ANYONE]]
    heard = {person for name in named for person in audience(tx, policy, run, name).persons}
    rungs = []
    for rung in ((COMMANDER,), owners):
        fresh = tuple(name for name in rung if name not in named)
        persons = {person for name in fresh for person in audience(tx, policy, run, name).persons}
        if persons - heard:
            rungs.append(fresh)
    return rungs


def _refusal(tx: Tx, policy: Policy, run: Run, step: Step, first: Audience, *, open_: bool) -> str:
    """Who can, and how somebody else may."""
    names = people.names(tx, first.persons)
    known = [names[person] for person in first.persons][:6]
    who = f" ({join(known, 'or')})" if known else ", who is nobody now"
    groups = join([f"@{group}" for group in stand_ins(policy)], "or")
    instead = f" {groups} may answer in their place{_from_when(step, open_)}." if groups else ""
    take = f" Who takes the role may too: `/incident role {first.role} me`." if first.role and run.incident else ""
    return f"This is asked of {first.title}{who}. Nothing was recorded.{instead}{take}"


def _from_when(step: Step, open_: bool) -> str:
    due = (step.question or {}).get("due_at")
    return "" if open_ or not due else f" from {str(due)[11:16]} UTC on, when it is due"


def _barred_words(number: int) -> str:
    return (
        f"It takes {number} people besides those who asked for this run or this attempt, or changed what it was given; "
        "you are one of these. Nothing was recorded."
    )
