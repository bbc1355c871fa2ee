"""The card of a decision of two people: what will be done, who must agree, who has.

Belongs here: its facts and buttons. Does not belong here: who is eligible (playbooks/engine/decision_rule.py decides on
rows; the card only shows it).
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.render.blocks import Drawn, buttons, drawn, escape, hms, person, said
from bot.render.facts import Around, names
from commands.command import Button
from playbooks.engine.approvals import Candidates, short
from playbooks.engine.deciding import DecisionRule, Standing, reachable, stands, title
from playbooks.policy import Policy
from storage import decisions
from storage.db import Tx
from storage.decisions import OPEN, Decision


@dataclass(frozen=True)
class DecisionFacts:
    """A decision, where it stands, who could still speak."""

    asked: Decision
    rule: DecisionRule
    standing: Standing
    able: Candidates


def read(tx: Tx, subject: str, policy: Policy, url: str) -> tuple[DecisionFacts, Around] | None:
    """The rows behind `D-7`."""
    asked = decisions.get(tx, subject)
    if asked is None:
        return None
    found = DecisionFacts(asked, DecisionRule.of(asked), stands(tx, asked, showing=True), reachable(tx, asked))
    ids = [asked.asked_by, *found.standing.agreed, *(one.person for one in found.able.eligible)]
    return found, Around(policy, url, tx.now, names(tx, ids))


def draw(facts: DecisionFacts, around: Around) -> Drawn:
    """The card."""
    asked = facts.asked
    by = around.name(asked.asked_by) if asked.asked_by else "Muster"
    head = f"⚖️ *{asked.id} · {person(title(asked), 600)}* — asked by *{by}*, {around.at(asked.opened_at)}"
    lines = [head]
    if shown := str(asked.body.get("shown") or ""):
        lines.append(said(shown, 2500))
    about = f"`{short(asked.digest)}` · open until *{around.at(asked.expires_at)}* UTC"
    lines.append(f"{about}\n{_agreed(facts, around)}")
    if asked.state != OPEN:
        lines.append(_ended(facts))
    return drawn([*lines, *buttons(answers(facts))], text=head)


def _agreed(facts: DecisionFacts, around: Around) -> str:
    now, rule = facts.standing, facts.rule
    who = ", ".join(f"*{around.name(one)}*" for one in now.agreed) or "—"
    admin = ", one of them an administrator" if rule.admin else ""
    groups = [f"{number} of `@{escape(group)}`" for group, number in rule.groups]
    groups += [f"`@{escape(group)}`" if group != "everyone" else "full members" for group in rule.from_]
    line = f"Agreed: {who} ({len(now.agreed)} of {rule.people} from {', '.join(dict.fromkeys(groups))}{admin})"
    if facts.asked.state != OPEN:
        return line
    could = [one.person for one in facts.able.eligible if one.person not in now.agreed]
    line += f"\nCan still: {', '.join(f'*{around.name(one)}*' for one in could[:8])}" if could else ""
    return line if facts.able.reachable else f"{line}\n⚠️ {person(facts.able.why_not, 400)}"


def _ended(facts: DecisionFacts) -> str:
    """What became of it, in place of the buttons."""
    asked, when = facts.asked, hms(facts.asked.decided_at)
    why = f": {person(asked.reason, 300)}" if asked.reason else ""
    return {
        "done": f"✅ *done {when}* UTC",
        "denied": f"⛔ *rejected {when}* UTC{why}. Nothing was changed.",
        "expired": f"⌛ *expired {when}* UTC{why}. Nothing was changed.",
    }.get(asked.state, f"⚪ *void since {when}* UTC{why}. Nothing was changed.")


def answers(facts: DecisionFacts) -> list[Button]:
    """What can be said of it while it is open."""
    asked = facts.asked
    if asked.state != OPEN:
        return []
    bound = f"{asked.id} digest={asked.digest[:12]}"
    return [
        Button(
            label="Confirm", line=f"playbook confirm {bound}", style="primary", asks="code" if facts.rule.mfa else ""
        ),
        Button(label="Reject", line=f"playbook reject {bound}", style="danger", asks="reason"),
    ]
