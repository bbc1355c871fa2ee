"""The next manual step when an outside service fails: the telephone, the console, the page.

Belongs here: those words, from the policy. Does not belong here: deciding that something failed.
"""

from __future__ import annotations

from commands.words import esc, joined
from playbooks.policy import Policy


def call_by_hand(policy: Policy, service: str | None) -> str:
    """*Call the on-call: +1-555-0199 (Payments primary).*; without a service, every number the policy has."""
    named = [policy.services[service]] if service and service in policy.services else list(policy.services.values())
    numbers = {
        one.pagerduty.phone: one.pagerduty.escalation_policy or one.title or one.name
        for one in named
        if one.pagerduty.phone
    }
    if not numbers:
        return "*Call the on-call by telephone* (policy `services.*.pagerduty.phone` has no number)."
    said = joined([f"{esc(phone)} ({esc(who)})" for phone, who in list(numbers.items())[:4]], "or")
    return f"*Call the on-call: {said}.*"


def instead_of(uses: str, policy: Policy, service: str | None) -> str:
    """What a person does instead of a step that failed, by the vendor in its name; "" where nothing is known."""
    vendor = uses.partition(".")[0]
    if vendor == "pagerduty":
        return call_by_hand(policy, service)
    return {
        "slack": "*Do it by hand in Slack*; `/incident note` keeps the record.",
        "statuspage": "*Publish by hand* at manage.statuspage.io.",
        "jira": "*Make the ticket by hand in Jira*, or `/playbook run comms/ticket`.",
        "post_mortem": "`/incident postmortem` drafts it again.",
    }.get(vendor, "")
