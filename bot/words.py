"""What people are told when Muster itself cannot do its part: what happened, what did not, what to do now.

Belongs here: the sentences of the doors and whom to call. Does not belong here: the answers of commands.
"""

from __future__ import annotations

from playbooks.policy import Policy

MOST_PHONES = 3


def phones(policy: Policy) -> str:
    """Who can be called by hand: on-call numbers of the services by tier, then contacts; "" when policy names none."""
    found: dict[str, str] = {}
    for service in sorted(policy.services.values(), key=lambda one: one.tier):
        page = service.pagerduty
        if page.phone:
            found.setdefault(page.phone, page.escalation_policy or page.service or service.title or service.name)
    for contact in policy.contacts.values():
        if contact.phone:
            found.setdefault(contact.phone, contact.title)
    listed = [f"{phone} ({name})" for phone, name in found.items()]
    return ", ".join(listed[:MOST_PHONES])


def call_by_hand(policy: Policy) -> str:
    """The manual way, as a sentence."""
    numbers = phones(policy)
    return f"If it cannot wait, call the on-call: *{numbers}*." if numbers else "If it cannot wait, call the on-call."


def not_stored(policy: Policy, asked: str) -> str:
    """The record did not take an ask: nothing was acknowledged that could be lost."""
    what = f"`{asked[:120]}`" if asked else "what you asked"
    return (
        f"⚠️ Muster's database does not answer, so I could not write down {what}. Assume that *nothing has happened*. "
        f"Try again in a minute. {call_by_hand(policy)}"
    )


def dead(policy: Policy, asked: str, attempts: int) -> str:
    """An ask was tried several times and failed inside Muster each time."""
    what = f"`{asked[:120]}`" if asked else "what came in"
    return (
        f"❌ I tried {what} {attempts} times and failed each time because of a fault in Muster. It is *not done*; "
        f"parts that were started stand on the timeline. I will not try again on my own. Look at `/incident timeline` "
        f"before you repeat it, and tell whoever runs Muster (its log names the fault). {call_by_hand(policy)}"
    )


def no_form(example: str) -> str:
    """Slack did not let us open a form in its three seconds."""
    hint = f" or type it in one line: `{example}`" if example else ""
    return f"Slack gave me no time to open the form, so nothing was asked and nothing has happened. Press again{hint}."
