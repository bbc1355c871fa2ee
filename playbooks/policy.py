"""muster.yaml: what the organisation decides. Severities, roles, groups, services, sites, approvals, contacts, clocks.

Belongs here: reading the file (`load_policy`), finding things in it by the names people type, the rule for one step.
Does not belong here: secrets and addresses of integrations (environment), who is in a group now (directory.py).
The sections are typed in policy_sections.py, policy_services.py and policy_approvals.py; `muster.example.yaml` is
their documentation.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import rfc8785
from pydantic import Field, ValidationError, model_validator

from playbooks.action import Risk
from playbooks.errors import Refused
from playbooks.policy_anchors import Anchors
from playbooks.policy_approvals import ApprovalRule, Approvals, Override, base_rule, looser, read_override
from playbooks.policy_checks import ambiguous, dangling, folded, misplaced_environment
from playbooks.policy_checks_hosts import misfits
from playbooks.policy_hosts import Command, Host
from playbooks.policy_levels import DisasterLevel
from playbooks.policy_sections import (
    Calendar,
    Contact,
    Group,
    Invite,
    LegalClock,
    Organisation,
    Permissions,
    Person,
    Retention,
    Role,
    Section,
    Severity,
    StatusPageRule,
)
from playbooks.policy_sends import MailList, Template, Webhook
from playbooks.policy_services import Database, Resources, Service, ServicePage, Site
from playbooks.policy_ways_in import Alerts, Capture
from playbooks.policy_words import with_defaults
from playbooks.reading import Problems, explain, line_of, nearest, plain, read_yaml

__all__ = [
    "ApprovalRule",
    "Approvals",
    "Calendar",
    "Contact",
    "Database",
    "DisasterLevel",
    "Group",
    "Invite",
    "LegalClock",
    "Organisation",
    "Override",
    "Permissions",
    "Person",
    "Policy",
    "Resources",
    "Retention",
    "Role",
    "Service",
    "ServicePage",
    "Severity",
    "Site",
    "StatusPageRule",
    "load_policy",
    "parse_policy",
]

N = TypeVar("N", Severity, Role, DisasterLevel)
_NAMED = (
    "severities", "roles", "groups", "services", "sites", "contacts", "clocks", "hosts", "commands", "mail_lists",
    "templates", "webhooks", "disaster_levels",
)  # fmt: skip


class Policy(Section):
    """The whole file. Every map is keyed by the name people type; the items carry that name too."""

    organisation: Organisation = Organisation()
    severities: dict[str, Severity] = Field(min_length=1)
    roles: dict[str, Role] = Field(default_factory=dict)
    groups: dict[str, Group] = Field(default_factory=dict)
    people: dict[str, Person] = Field(default_factory=dict)
    permissions: Permissions = Permissions()
    services: dict[str, Service] = Field(default_factory=dict)
    sites: dict[str, Site] = Field(default_factory=dict)
    approvals: Approvals = Approvals()
    retention: Retention = Retention()
    anchors: Anchors = Anchors()
    contacts: dict[str, Contact] = Field(default_factory=dict)
    clocks: dict[str, LegalClock] = Field(default_factory=dict)
    disaster_levels: dict[str, DisasterLevel] = Field(default_factory=dict)
    texts: dict[str, str] = Field(default_factory=dict)
    hosts: dict[str, Host] = Field(default_factory=dict)
    commands: dict[str, Command] = Field(default_factory=dict)
    mail_lists: dict[str, MailList] = Field(default_factory=dict)
    templates: dict[str, Template] = Field(default_factory=dict)
    webhooks: dict[str, Webhook] = Field(default_factory=dict)
    alerts: Alerts = Alerts()
    capture: Capture = Capture()
    playbooks: tuple[str, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _name_items(cls, data: Any) -> Any:
        """Give every named item its key as `name`."""
        if not isinstance(data, dict):
            return data
        named = {**data, "templates": with_defaults(data.get("templates"))}
        for section in _NAMED:
            if isinstance(items := named.get(section), dict):
                named[section] = {
                    key: {"name": key, **item} if isinstance(item, dict) else item for key, item in items.items()
                }
        return named

    def severity(self, said: str, *, example: str = "checkout is down") -> Severity:
        """By name or alias, whatever the case and hyphens. Raises Refused naming those that exist, with an example."""
        if found := _by_alias(self.severities, said):
            return found
        listed = [f"{name} ({item.title})" for name, item in self.severities.items()]
        best = nearest(said, _spoken(self.severities))
        meant = _by_alias(self.severities, best) if best else None
        name = meant.name if meant else next(iter(self.severities))
        near = f" Did you mean **{best}** ({name})?" if best and best != name else ""
        raise Refused(
            f"There is no severity **{said}**.{near} There are {', '.join(listed)}.",
            todo=f"Try `/incident declare {name} {example}`.",
        )

    def role(self, said: str) -> Role:
        """By name or alias ("ic"). Raises Refused with the nearest and all of them."""
        if found := _by_alias(self.roles, said):
            return found
        raise _unknown("role", said, self.roles, _spoken(self.roles))

    def level(self, said: str) -> DisasterLevel:
        """A disaster level by name or alias. Raises Refused with the nearest and all of them."""
        if found := _by_alias(self.disaster_levels, said):
            return found
        raise _unknown("disaster level", said, self.disaster_levels, _spoken(self.disaster_levels))

    def group(self, name: str) -> Group:
        """By name. Raises Refused with the nearest."""
        if found := self.groups.get(name):
            return found
        raise _unknown("group", name, self.groups)

    def service(self, name: str) -> Service:
        """By name. Raises Refused with the nearest and all of them."""
        if found := self.services.get(name.strip().lower()) or self.services.get(name):
            return found
        raise _unknown("service", name, self.services)

    def site(self, name: str) -> Site:
        """By name. Raises Refused with the nearest and all of them."""
        if found := self.sites.get(name):
            return found
        raise _unknown("site", name, self.sites)

    def site_of(self, service: Service | None) -> Site | None:
        """The default site of a service; without a service, the first production site; None where there are none."""
        if service is not None and service.site is not None:
            return self.sites.get(service.site)
        return next((site for site in self.sites.values() if site.kind == "production"), None)

    def rule_for(
        self,
        risk: Risk,
        playbook_override: Mapping[str, Any] | Override | None = None,
        kind: str = "real",
        site: Site | None = None,
        service: Service | None = None,
    ) -> ApprovalRule:
        """The rule for one step. kind: real, drill or maintenance of the run.

        The playbook can only ask for more. A drill at a drill site follows `approvals.drill` instead, which may ask for
        less. The next group is asked after a third of the service's RTO unless policy says sooner.
        """
        rule = base_rule(self.approvals, risk)
        drill = self.approvals.drill
        if drill is not None and kind == "drill" and site is not None and site.kind == "drill" and risk.destructive:
            rule = rule.drilled(drill)
        rule = rule.stricter(read_override(playbook_override), "playbook")
        after = rule.next_group_after_s
        if service is not None:
            third = service.rto.total_seconds() / 3
            after = third if after is None else min(after, third)
        allowed = {Risk.RECOVERABLE: "recoverable", Risk.CONTAIN: "alone"}.get(risk)
        requester = rule.requester if rule.requester == allowed else "never"
        return rule.model_copy(update={"requester": requester, "next_group_after_s": after})

    def severity_scope(self, severity: Severity, private: bool = False) -> dict[str, Any]:
        """What `${{ severity.x }}` reads: JSON values, with `invite` in Slack's terms.

        invite.groups become user group handles; people listed in groups without one join invite.users. private: only
        the organisation's security contacts are invited, nothing goes to the status page, no mail, no ticket.
        """
        scope = severity.model_dump(mode="json")
        users, names = list(severity.invite.users), severity.invite.groups
        if private:
            contacts = self.organisation.security_contacts
            users, names = [], (contacts,) if contacts else ()
            scope |= {"customer_mail_within": None, "ticket": None}
            scope["status_page"]["mode"] = "none"
        groups = [self.group(name) for name in names]
        users += [slack for group in groups if not group.slack for slack in self._slack_ids(group)]
        handles = [group.slack for group in groups if group.slack]
        scope["invite"] = {"users": list(dict.fromkeys(users)), "groups": handles}
        return scope

    def _slack_ids(self, group: Group) -> list[str]:
        """The Slack ids among a group's `people`; a name from `people` stands for its account."""
        known = [self.people[name].slack if name in self.people else name for name in group.people]
        return [slack for slack in known if slack and "@" not in slack]

    def digest(self) -> str:
        """SHA-256 (hex) of the RFC 8785 form of the guarded sections: who decides, and what may be run on hosts."""
        guarded = self.model_dump(
            mode="json", by_alias=True, include={"approvals", "groups", "people", "permissions", "commands"}
        )
        return hashlib.sha256(rfc8785.dumps(guarded)).hexdigest()


def load_policy(path: Path) -> Policy:
    """Read a policy file. Raises Refused naming every problem with its line, or that the file cannot be read."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"The policy {path} cannot be read: {error}.", todo="Set MUSTER_CONFIG to your file.") from error
    return parse_policy(text, str(path))


def parse_policy(text: str, source: str = "muster.yaml") -> Policy:
    """A policy from text. Raises Refused with one "source:line: what, nearest right word" per problem."""
    node = read_yaml(text, source)
    problems = Problems(source)
    data = plain(node)
    for loc, what in misplaced_environment(data):
        problems.add(line_of(node, loc), what)
    try:
        policy = Policy.model_validate(data)
    except ValidationError as error:
        explain(error, Policy, node, problems)
    else:
        for loc, what in [*dangling(policy), *misfits(policy), *ambiguous(policy), *looser(policy.approvals)]:
            problems.add(line_of(node, loc), what)
    problems.raise_any()
    return policy


def _by_alias(items: Mapping[str, N], said: str) -> N | None:
    word = folded(said)
    for name, item in items.items():
        if word and (word == folded(name) or word in map(folded, item.aliases)):
            return item
    return None


def _spoken(items: Mapping[str, Severity] | Mapping[str, Role] | Mapping[str, DisasterLevel]) -> list[str]:
    return [*items, *(alias for item in items.values() for alias in item.aliases)]


def _unknown(what: str, said: str, known: Mapping[str, Any], spoken: list[str] | None = None) -> Refused:
    best = nearest(said, spoken or known)
    near = f" Did you mean **{best}**?" if best else ""
    there = f" There are: {', '.join(known)}." if known else f" The policy names no {what} yet."
    return Refused(f"There is no {what} **{said}**.{near}{there}")
