"""What cards show of one person acting alone: the offer, what was set aside, the review and its buttons."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from bot.render import approval, board, run
from bot.render.facts import IncidentFacts
from bot.render.run import RunFacts
from playbooks.action import Risk
from playbooks.engine.approvals import Candidates
from playbooks.policy import ApprovalRule
from storage.reviews import Review
from tests.bot.render.test_cards_of_runs import AROUND, ASKED, AT, RUN, STEP, facts, plain, pressable, vote

REVIEW = Review("R-1", "break-glass", ASKED.id, RUN.id, "p2", AT + timedelta(hours=1), "open")
DONE = replace(REVIEW, state="objected", reviewed_by="p3", reviewed_at=AT, reason="the replica <b> was behind")


def test_a_quorum_nobody_can_reach_offers_the_glass() -> None:
    asked = replace(ASKED, rule=ApprovalRule(groups=(("sre", 1), ("security", 1))).model_dump(mode="json"))
    short = replace(facts(asked), able=Candidates((), (), False, "The quorum cannot be reached: nobody could."))
    found = approval.draw(short, AROUND)
    assert "The quorum cannot be reached" in plain(found) and "One person can break the glass" in plain(found)
    line = "playbook break-glass INC-42/2 9f2c00000000 rules=people,groups"
    assert pressable(found)["Break glass"] == line
    assert "Break glass" not in pressable(approval.draw(facts(), AROUND))


def test_broken_glass_says_who_what_and_why_until_when() -> None:
    asked = replace(ASKED, state="granted", mode="break-glass", overrides={"rules": ["people"], "who": ["sre"]})
    yes = replace(vote("p2"), reason="Chi is on a <plane>", proof="totp")
    shown = plain(approval.draw(replace(facts(asked, (yes,)), review=REVIEW), AROUND))
    assert "*Glass broken* by *Ben* 14:09, set aside: people. “Chi is on a &lt;plane&gt;”" in shown
    assert "A second person reviews it by *15:09* UTC" in shown and "overdue" not in shown
    late = replace(AROUND, now=AT + timedelta(hours=2))
    assert "overdue" in plain(approval.draw(replace(facts(asked, (yes,)), review=REVIEW), late))
    done = plain(approval.draw(replace(facts(asked, (yes,)), review=DONE), AROUND))
    assert "*objected* by *Chi* 14:09: the replica &lt;b&gt; was behind" in done


def test_what_only_closes_says_so() -> None:
    shut = replace(STEP, risk=int(Risk.CONTAIN))
    shown = plain(approval.draw(facts(replace(ASKED, mode="contain", plan={"effect": "Close it"}), step=shut), AROUND))
    assert "Only closes access" in shown and "one person is enough" in shown and "Point of no return" not in shown


def test_the_run_and_the_board_show_what_waits_for_a_second_look() -> None:
    ended = replace(RUN, state="succeeded", ended_at=AT)
    found = run.draw(RunFacts(ended, (STEP,), None, (REVIEW,)), AROUND)
    assert "break-glass by *Ben*: a second person reviews it by *15:09* UTC" in plain(found)
    assert pressable(found)["Accept"] == "playbook review INC-42/2 accept"
    done = run.draw(RunFacts(ended, (STEP,), None, (DONE,)), AROUND)
    assert "objected by *Chi*" in plain(done) and pressable(done) == {}
    none: IncidentFacts = IncidentFacts(None, (), (), (), (), {}, (REVIEW,))  # type: ignore[arg-type]
    assert "Reviews: INC-42/2 (break-glass) by *15:09*" in board._runs(none, AROUND)
    assert "Reviews" not in board._runs(replace(none, reviews=()), AROUND)
