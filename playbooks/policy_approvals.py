"""Who must agree before a destructive step: the `approvals` section and the rule that comes out of it for one step.

Belongs here: the section, the resolved `ApprovalRule`, combining rules so that they only become stricter. Does not
belong here: who is in a group now, votes, expiry (engine/approvals.py).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from playbooks.action import Risk
from playbooks.durations import Duration
from playbooks.errors import Refused
from playbooks.policy_sections import Groups, Section

Requester = Literal["never", "recoverable"]
Mfa = Literal["off", "required"]
# What one person may set aside by breaking the glass, by name. Never who is a member, step-up, or what is bound.
BREAKABLE = ("people", "groups", "from", "requester", "member_age", "directory_max_age")


class Override(Section):
    """Part of a rule: for one risk, for drills, or of one playbook step. Everything not written stays as it was."""

    people: int | None = Field(default=None, ge=1, le=9)
    groups: dict[str, int] = Field(default_factory=dict)
    from_: Groups | None = Field(default=None, alias="from")
    requester: Requester | None = None
    expires: Duration | None = None
    member_age: Duration | None = None
    directory_max_age: Duration | None = None
    ask_max_age: Duration | None = None
    mfa: Mfa | None = None


class DrillOverride(Override):
    """For runs of kind drill at a site whose kind is drill: the only override that may ask for less."""

    people: int | None = Field(default=None, ge=0, le=9)


class Contain(Section):
    """For steps that only close access: one person with step-up, everyone told, a second person looks at it after.

    requester: `alone` lets that one person be who asked; `never` takes somebody else.
    """

    requester: Literal["alone", "never"] = "alone"
    review_within: Duration = timedelta(hours=1)


class BreakGlass(Section):
    """One person sets rules aside, with a reason and step-up. who: groups; empty: who may approve anyway."""

    who: Groups = ()
    expires: Duration = timedelta(minutes=5)
    review_within: Duration = timedelta(hours=24)


class Approvals(Section):
    """The rule for destructive steps, and its overrides. Times are durations.

    people: distinct humans needed; groups: how many of them from which group; from: who is eligible at all.
    mfa `required`: a yes takes a one-time code. unreachable_max_age: how old knowledge of people may be for a yes given
    with a code from an enrolled terminal while Slack itself cannot be asked.
    """

    people: int = Field(default=2, ge=1, le=9)
    groups: dict[str, int] = Field(default_factory=dict)
    from_: Groups = Field(default=("everyone",), alias="from")
    requester: Requester = "never"
    mfa: Mfa = "off"
    expires: Duration = timedelta(minutes=15)
    member_age: Duration = timedelta(hours=24)
    directory_max_age: Duration = timedelta(minutes=5)
    ask_max_age: Duration = timedelta(minutes=2)
    unreachable_max_age: Duration = timedelta(hours=48)
    page_missing: bool = True
    next_group: Groups = ()
    next_group_after: Duration | None = None
    recoverable: Override = Override()
    irreversible: Override = Override()
    drill: DrillOverride | None = None
    contain: Contain = Contain()
    break_glass: BreakGlass = BreakGlass()


class ApprovalRule(BaseModel):
    """The rule for one step, as it is bound into the approval's digest. Times are in seconds.

    groups: (group, how many) slots, one person fills one. from_: eligible groups, or ("everyone",).
    requester "recoverable": whoever asked may be one of the people (only ever set for recoverable steps); "alone": the
    only one (contain). mfa: a yes needs the proof of a one-time code. next_groups are called when nobody answered
    within next_group_after_s. review_within_s: what one person decided alone is looked at by a second one within.
    source: where it comes from, in words.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    people: int = 2
    groups: tuple[tuple[str, int], ...] = ()
    from_: tuple[str, ...] = ("everyone",)
    requester: Literal["never", "recoverable", "alone"] = "never"
    expires_s: float = 900.0
    member_age_s: float = 86_400.0
    directory_max_age_s: float = 300.0
    ask_max_age_s: float = 120.0
    mfa: bool = False
    unreachable_max_age_s: float = 172_800.0
    page_missing: bool = True
    next_groups: tuple[str, ...] = ()
    next_group_after_s: float | None = None
    review_within_s: float | None = None
    source: str = "approvals"

    @property
    def needed(self) -> bool:
        """Whether anybody has to agree at all."""
        return self.people > 0

    def stricter(self, override: Override, source: str) -> ApprovalRule:
        """This rule and the override together, always the stricter of the two. Raises Refused when nobody is left."""
        if not override.model_fields_set:
            return self
        slots = dict(self.groups)
        for group, count in override.groups.items():
            slots[group] = max(count, slots.get(group, 0))
        return self.model_copy(
            update={
                "people": max(self.people, override.people or 0, sum(slots.values())),
                "groups": tuple(sorted(slots.items())),
                "from_": _both(self.from_, override.from_, source),
                "requester": "never" if override.requester == "never" else self.requester,
                "expires_s": _least(self.expires_s, override.expires),
                "member_age_s": max(self.member_age_s, _seconds(override.member_age) or 0.0),
                "directory_max_age_s": _least(self.directory_max_age_s, override.directory_max_age),
                "ask_max_age_s": _least(self.ask_max_age_s, override.ask_max_age),
                "mfa": self.mfa or override.mfa == "required",
                "source": f"{self.source} + {source}",
            }
        )

    def with_all_of(self, other: ApprovalRule) -> ApprovalRule:
        """This rule and another one together: what either asks for. Raises Refused when nobody could meet both."""
        never = "never" in (self.requester, other.requester)
        also = Override.model_validate({
            "people": other.people or None, "groups": dict(other.groups), "from": list(other.from_),
            "expires": timedelta(seconds=other.expires_s), "member_age": timedelta(seconds=other.member_age_s),
            "directory_max_age": timedelta(seconds=other.directory_max_age_s),
            "ask_max_age": timedelta(seconds=other.ask_max_age_s),
            **({"requester": "never"} if never else {}), **({"mfa": "required"} if other.mfa else {}),
        })  # fmt: skip
        return self.stricter(also, other.source) if other != self else self

    def broken(self, rules: Collection[str], who: tuple[str, ...]) -> ApprovalRule:
        """This rule with those of BREAKABLE set aside for one person out of `who`; what is not named stays."""
        changes: dict[str, Any] = {
            "people": {"people": 1},
            "groups": {"groups": ()},
            "from": {"from_": who},
            "requester": {"requester": "alone"},
            "member_age": {"member_age_s": 0.0},
            "directory_max_age": {"directory_max_age_s": float("inf")},
        }
        aside = {key: value for name in rules for key, value in changes[name].items()}
        return self.model_copy(update={**aside, "source": f"{self.source} + break-glass"})

    def drilled(self, override: DrillOverride) -> ApprovalRule:
        """This rule with what the drill override says in its place, stricter or not."""
        said = override.model_dump(exclude_unset=True)
        changes: dict[str, Any] = {key: said[key] for key in ("people", "from_", "requester") if key in said}
        if "groups" in said:
            changes["groups"] = tuple(sorted(override.groups.items()))
        elif "people" in said and sum(count for _, count in self.groups) > said["people"]:
            changes["groups"] = ()
        if said.get("mfa"):
            changes["mfa"] = said["mfa"] == "required"
        for key in ("expires", "member_age", "directory_max_age", "ask_max_age"):
            if key in said:
                changes[f"{key}_s"] = said[key].total_seconds()
        return self.model_copy(update={**changes, "source": f"{self.source} + approvals.drill"})


def base_rule(section: Approvals, risk: Risk) -> ApprovalRule:
    """The rule of the policy alone for a step of this risk: one person for `contain`, below that nobody."""
    rule = ApprovalRule(
        people=_people(section, risk),
        groups=tuple(sorted(section.groups.items())) if risk.destructive else (),
        from_=section.from_,
        requester=section.requester,
        expires_s=section.expires.total_seconds(),
        member_age_s=section.member_age.total_seconds(),
        directory_max_age_s=section.directory_max_age.total_seconds(),
        ask_max_age_s=section.ask_max_age.total_seconds(),
        mfa=section.mfa == "required",
        unreachable_max_age_s=section.unreachable_max_age.total_seconds(),
        page_missing=section.page_missing,
        next_groups=section.next_group,
        next_group_after_s=_seconds(section.next_group_after),
    )
    if risk is Risk.RECOVERABLE:
        return rule.stricter(section.recoverable, "approvals.recoverable")
    if risk is Risk.IRREVERSIBLE:
        return rule.stricter(section.irreversible, "approvals.irreversible")
    if risk is Risk.CONTAIN:
        within = section.contain.review_within.total_seconds()
        given = {"requester": section.contain.requester, "review_within_s": within, "source": "approvals.contain"}
        return rule.model_copy(update={**given, "mfa": True})  # one person alone always proves who they are
    return rule


def _people(section: Approvals, risk: Risk) -> int:
    if risk.destructive:
        return max(section.people, sum(section.groups.values()))
    return 1 if risk.guarded else 0


def read_override(given: Mapping[str, Any] | Override | None) -> Override:
    """A playbook step's `approvals` as an Override (raises pydantic's ValidationError); None is the empty one."""
    if isinstance(given, Override):
        return given
    return Override.model_validate(dict(given or {}))


def looser(section: Approvals) -> list[tuple[tuple[str, ...], str]]:
    """Where an override asks for less than the section it overrides, or leaves nobody: (place, what). Drills may."""
    found: list[tuple[tuple[str, ...], str]] = []
    for name in ("recoverable", "irreversible"):
        override: Override = getattr(section, name)
        less = [
            ("people", override.people is not None and override.people < section.people),
            ("expires", override.expires is not None and override.expires > section.expires),
            ("member_age", override.member_age is not None and override.member_age < section.member_age),
            ("requester", override.requester == "recoverable" and section.requester == "never"),
            (
                "directory_max_age",
                bool(override.directory_max_age and override.directory_max_age > section.directory_max_age),
            ),
            ("ask_max_age", bool(override.ask_max_age and override.ask_max_age > section.ask_max_age)),
            ("mfa", override.mfa == "off" and section.mfa == "required"),
        ]
        found += [
            (
                ("approvals", name, key),
                f"approvals.{name}.{key} asks for less than approvals.{key}; overrides only ask for more",
            )
            for key, is_less in less
            if is_less
        ]
    for name, risk in (("recoverable", Risk.RECOVERABLE), ("irreversible", Risk.IRREVERSIBLE)):
        try:
            base_rule(section, risk)
        except Refused as error:
            found.append((("approvals", name, "from"), f"approvals.{name}.from: {error.message}"))
    return found


def _both(mine: tuple[str, ...], theirs: tuple[str, ...] | None, source: str) -> tuple[str, ...]:
    if theirs is None or "everyone" in theirs:
        return mine
    if "everyone" in mine:
        return theirs
    shared = tuple(group for group in mine if group in theirs)
    if not shared:
        raise Refused(
            f"Nobody could approve: policy accepts {', '.join(mine)}, {source} only {', '.join(theirs)}.",
            todo="Name a group that both accept.",
        )
    return shared


def _seconds(length: timedelta | None) -> float | None:
    return None if length is None else length.total_seconds()


def _least(mine: float, theirs: timedelta | None) -> float:
    return mine if theirs is None else min(mine, theirs.total_seconds())
