"""What people are told when Muster itself cannot do its part: what happened, what did not, what to do now.

Belongs here: the sentences of the doors and whom to call. Does not belong here: the answers of commands.
"""

from __future__ import annotations

from bot.render.blocks import escape
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


def consoles(policy: Policy) -> str:
    """Where a person goes instead: AWS Support (https://…), as policy's contacts name them; "" when none has a page."""
    return ", ".join(f"{one.title} ({one.url})" for one in list(policy.contacts.values())[:MOST_PHONES] if one.url)


def not_stored(policy: Policy, asked: str) -> str:
    """The record did not take an ask: nothing was acknowledged that could be lost."""
    what = f"`{asked[:120]}`" if asked else "what you asked"
    said = (
        f"⚠️ Muster's database does not answer, so I could not write down {what}. Assume that *nothing has happened*. "
        f"Try again in a minute. {call_by_hand(policy)}"
    )
    if asked.lstrip("/").startswith("playbook"):
        by_hand = f" By hand: {consoles(policy)}." if consoles(policy) else ""
        return (
            f"{said}\nNo step is started meanwhile: what is destructive needs its approvals, and they stand in the "
            f"database. What is under way is finished and written down when it is back.{by_hand}"
        )
    return f"{said}\n`/incident declare` still pages and tells people."


def not_declared(policy: Policy, why: str) -> str:
    """A declare that could not be read, while the database does not answer either."""
    return f"⚠️ {why}\nNothing has happened. (Muster's database does not answer either; a declare pages all the same.)"


def no_journal(policy: Policy, asked: str) -> str:
    """Neither the database nor the journal takes it: nothing is done that nobody could account for."""
    return (
        f"⚠️ Neither Muster's database nor its journal file takes `{asked[:120]}`. *Nobody was paged and nobody was "
        f"told*; whoever runs Muster must look at MUSTER_JOURNAL's disk. {call_by_hand(policy)}"
    )


def blind(policy: Policy, *, pages: bool, private: bool) -> str:
    """The acknowledgement of a declare without the database."""
    doing = "I am paging the on-call" if pages else "This severity pages nobody"
    where = "announce nothing, since it is restricted" if private else f"tell {policy.organisation.slack.announce}"
    return (
        f"⚠️ *Muster's database does not answer: declaring blind.* {doing} and {where}, now; the outcome follows. "
        "There is no number, no channel and no board yet: they come when the database is back, and I tell you then. "
        f"Nothing destructive can be started meanwhile. {call_by_hand(policy)}"
    )


def blind_refused(why: str) -> str:
    """Somebody who may not declare."""
    return f"⚠️ Nothing was done: {why}"


def blind_announced(policy: Policy, severity: str, title: str, service: str, user: str) -> str:
    """The message where incidents are announced."""
    hit = f" · {service}" if service else ""
    return (
        f"🚨 *{severity} · {escape(title)}*{hit}, declared by <@{user}>. Muster's database does not answer, so this "
        f"has no number and no channel yet: *gather in this thread*. {call_by_hand(policy)}"
    )


def blind_done(
    policy: Policy, service: str, *, page: str, page_why: str, told: str, told_why: str, channel: str
) -> str:
    """What came of it. page, told: done, failed, unknown, or "" for what was not wanted."""
    known = policy.services.get(service)
    whom = (known.pagerduty.escalation_policy or known.title) if known else "the on-call"
    paged = {
        "done": f"✅ PagerDuty took the page for *{whom}*; whether somebody has it, only PagerDuty shows now.",
        "failed": f"❌ *Nobody was paged*: {escape(page_why)} {call_by_hand(policy)}",
        "unknown": f"⚠️ *Nobody knows whether the page went out*: {escape(page_why)} {call_by_hand(policy)}",
    }.get(page, "")
    said = {
        "done": f"✅ Told <#{channel}>." if channel[:1] in "CG" else "✅ Told people.",
        "failed": f"❌ Nobody was told: {escape(told_why)} Post it yourself.",
        "unknown": f"⚠️ Look whether my message is in {policy.organisation.slack.announce}: {escape(told_why)}",
    }.get(told, "")
    after = "All of it is in my journal and becomes an incident when the database is back."
    return "\n".join(line for line in (paged, said, after) if line)


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
