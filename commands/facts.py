"""What a letter about an incident is filled with, by the names templates use (`{{ severity }}`).

Belongs here: the words for each fact, and which of them a template lacks. Does not belong here: the templates
(policy), sending them (comms/tell).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from commands.command import Call
from playbooks.errors import Refused
from playbooks.policy import Policy
from playbooks.policy_sends import Audience, MailList, Template
from playbooks.reading import hint
from storage import impact, incidents
from storage.incidents import Incident

UNKNOWN = "not known yet"


def facts(call: Call, found: Incident) -> dict[str, str]:
    """Every fact by its name; what nobody knows says so."""
    policy, tx = call.house.policy, call.tx
    service = policy.services.get(found.service or "")
    level = policy.severities.get(found.severity)
    worn = incidents.roles(tx, found.id).get("commander")
    began, page = found.detected_at or found.declared_at, str(found.facts.get("status_page_url") or "")
    privacy = next((one for one in policy.contacts.values() if one.name == "privacy"), None)
    known = {
        "incident": found.id,
        "title": found.title,
        "severity": found.severity,
        "what": level.title if level else found.severity,
        "service": (service.title or service.name) if service else "a part of our service",
        "level": str(found.facts.get("level") or "none"),
        "status": found.status,
        "began": _when(began),
        "found_at": _when(began),
        "ended": _when(found.restored_at or found.resolved_at) if found.restored_at or found.resolved_at else "not yet",
        "url": f"{call.house.url}/incidents/{found.id}",
        "page": page or "our status page",
        "organisation": policy.organisation.name,
        "contact": (privacy.email or privacy.phone or privacy.title) if privacy else policy.organisation.name,
        "commander": call.house.directory.name(tx, worn.person) if worn else "nobody yet",
        "impact": UNKNOWN,
        "eta": UNKNOWN,
    }
    if found.latest_update:
        known["text"] = found.latest_update
    return known | _said(call, found)


def _said(call: Call, found: Incident) -> dict[str, str]:
    """What people said of impact and time, where they did: the last word on each part."""
    now = impact.of_incident(call.tx, found.id)
    parts = [part for part in (now.users, now.revenue, now.text) if part]
    said = {"impact": "; ".join(parts)} if parts else {}
    return said | ({"eta": _when(now.eta)} if now.eta else {})


def template_for(policy: Policy, audience: Audience, named: str) -> Template:
    """The named template, or the audience's own. Raises Refused for one that does not exist or is for others."""
    name = named or f"update_{audience}"
    found = policy.templates.get(name)
    if found is None:
        raise Refused(f"The policy has no template *{name}*{hint(name, policy.templates)}. Nothing was sent.",
                      todo="Leave `template=` out to take the audience's own.")  # fmt: skip
    if found.audience != audience:
        raise Refused(f"The template *{name}* is for {found.audience}, not for {audience}. Nothing was sent.")
    return found


def list_for(policy: Policy, audience: Audience, named: str) -> MailList:
    """The named list, or the only one of this audience. Raises Refused naming those there are."""
    fitting = [one for one in policy.mail_lists.values() if one.audience == audience]
    if named:
        fitting = [one for one in fitting if one.name == named]
    if len(fitting) == 1:
        return fitting[0]
    known = [one.name for one in policy.mail_lists.values() if one.audience == audience]
    if not known:
        raise Refused(f"The policy has no mail list for {audience} (`mail_lists`). Nothing was sent.",
                      todo="Tell them by hand; `/incident update …` tells the channel and the page.")  # fmt: skip
    there = ", ".join(f"`{name}`" for name in known)
    wrong = f"There is no mail list *{named}* for {audience}." if named else "Which list?"
    raise Refused(f"{wrong} For {audience} there are {there}. Nothing was sent.", todo=f"Add `list={known[0]}`.")


def filled(template: Template, given: Mapping[str, str], known: Mapping[str, str]) -> dict[str, str]:
    """The template's values: what is given, else what is known. Raises Refused naming what is missing, or unknown."""
    if strange := [name for name in given if name not in template.values and name != "text"]:
        raise Refused(f"The template *{template.name}* has no *{strange[0]}*. Nothing was sent.",
                      todo=f"Its values: {', '.join(template.values)}.")  # fmt: skip
    values = {name: given.get(name) or known.get(name, "") for name in template.values}
    if missing := [name for name, value in values.items() if not value.strip()]:
        named = ", ".join(f"*{name}* ({template.values[name]})" for name in missing)
        example = " ".join(f'{name}="…"' for name in missing)
        raise Refused(f"The template *{template.name}* needs {named}. Nothing was sent.", todo=f"Add `{example}`.")
    return values


def _when(at: datetime | None) -> str:
    return f"{at.astimezone(UTC):%-d %b %H:%M} UTC" if at else UNKNOWN
