"""The draft says what the timeline says, cites it, and says plainly what nobody knows."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playbooks.engine.post_mortem import Facts, TimelineDrafts, build, follow_ups
from playbooks.errors import Refused
from playbooks.policy import parse_policy
from storage import documents, incidents, migrate
from storage.db import Database
from storage.timeline import Entry, Event, append

DAY = datetime(2026, 11, 22, tzinfo=UTC)
NAMES = {"P-ANA": "Ana", "P-BEN": "Ben", "P-CHI": "Chi", "P-DOV": "Dov"}
FACTS = Facts(
    "INC-42", "checkout is down", "sev1", "checkout", rto_s=900, rpo_s=300, acknowledge_within_s=300, names=NAMES,
    roles={"commander": "Incident commander"},
)  # fmt: skip
CITED = re.compile(r"(?<!\\)\[(\d+(?:, \d+)*)\]")
PROMPT = re.compile(r"\*\([^)]*\)\*")


def at(clock: str) -> datetime:
    hours, minutes, *seconds = map(int, clock.split(":"))
    return DAY.replace(hour=hours, minute=minutes, second=seconds[0] if seconds else 0)


class Tape:
    """Events as the engine and the commands write them."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def add(self, when: str, type: str, actor: str = "muster", *, source: str = "", **more: Any) -> int:
        texts = more.pop("texts", {})
        seq = len(self.events) + 1
        source_at = at(source) if source else None
        claimed = actor if source else None
        self.events.append(Event("INC-42", seq, type, at(when), actor, more, texts, source_at, claimed, f"{seq:064x}"))
        return seq

    def step(self, when: str, what: str, idx: int, uses: str, **more: Any) -> int:
        attempt = more.pop("attempt", 1)
        return self.add(
            when, f"step.{what}", run="INC-42/2", step=idx, id=f"s{idx}", uses=uses, attempt=attempt, **more
        )


def story() -> Tape:
    tape = Tape()
    tape.add("14:02", "incident.declared", "P-ANA", severity="sev1", texts={"title": "checkout is down"})
    tape.add("14:02", "run.requested", "P-ANA", run="INC-42/1", playbook="declare/default", shown=False)
    tape.add("14:02:01", "run.started", run="INC-42/1", playbook="declare/default")
    tape.add("14:02:05", "run.ended", run="INC-42/1", playbook="declare/default", outcome="succeeded")
    tape.add("14:04", "incident.acknowledged", "pagerduty", source="14:04", person="P-BEN", first=True)
    tape.add("14:04", "incident.role", "muster", role="commander", person="P-BEN", interim=True)
    tape.add("14:05", "incident.time", "P-ANA", source="13:59", which="detected")
    tape.add("14:07", "run.requested", "P-ANA", run="INC-42/2", playbook="failover/rds-multi-az", shown=True)
    tape.add("14:07:01", "run.started", run="INC-42/2")
    tape.step("14:07:02", "started", 1, "aws.rds_describe")
    tape.step("14:07:03", "succeeded", 1, "aws.rds_describe", texts={"said": "writer in eu-north-1a"})
    tape.add("14:07:10", "approval.requested", "P-ANA", approval="A1", run="INC-42/2", step=2, data_loss="0 s",
             effect="Reboot orders-db with failover: eu-north-1a -> eu-north-1b")  # fmt: skip
    vote: dict[str, Any] = {"approval": "A1", "run": "INC-42/2", "step": 2, "choice": "approve"}
    tape.add("14:07:20", "approval.voted", "P-ANA", person="P-ANA", counted=False, why="barred", **vote)
    tape.add("14:08:10", "approval.voted", "P-BEN", person="P-BEN", counted=True, why="", **vote)
    tape.add("14:09:02", "approval.voted", "P-CHI", person="P-CHI", counted=True, why="", **vote)
    tape.add("14:09:02", "approval.granted", approval="A1", run="INC-42/2", step=2, by=["P-BEN", "P-CHI"])
    tape.step("14:09:12", "started", 2, "aws.rds_failover")
    tape.step("14:09:20", "done", 2, "aws.rds_failover", texts={"outputs": '{"writer": "b"}'})
    tape.step("14:11:00", "succeeded", 2, "aws.rds_failover", texts={"said": "writer in eu-north-1b"})
    tape.step("14:11:01", "started", 3, "http.probe")
    tape.step("14:11:02", "succeeded", 3, "http.probe", texts={"said": "/health 200"})
    tape.add("14:11:30", "run.ended", run="INC-42/2", outcome="succeeded")
    tape.add("14:12", "incident.update", "P-DOV", status="monitoring", texts={"text": "Checkout is back; we watch."})
    tape.add("14:20", "incident.resolved", "P-BEN", texts={"resolution": "writer failed over"})
    return tape


def check(body: str, events: list[Event]) -> None:
    """Every citation exists; every generated sentence has one."""
    known = {event.seq for event in events}
    for found in CITED.findall(body):
        assert {int(number) for number in found.split(", ")} <= known, found
    section = ""
    for line in body.splitlines()[3:]:
        if line.startswith("## "):
            section = line
        if not line.strip() or line.startswith(("#", "|")):
            continue
        text = PROMPT.sub("", line).strip()
        text = re.sub(r"^(- |\d\. )", "", text + " ").strip()
        text = re.sub(r"^Why( was [^?]*)?\?", "", text).strip()
        if text in ("", "-"):
            continue
        assert text.endswith("].") or section.startswith("## Timeline") or text.startswith("*Draft"), line
        ends = re.split(r"(?<=\w)\. (?=[A-Z`])", re.sub(r"“[^”]*”", "“”", text))
        assert all(CITED.search(sentence) for sentence in ends), line
    for line in body.splitlines():
        if line.startswith("|") and not line.startswith(("| ---", "| when", "| role", "| detected", "| what", "| UTC")):
            assert CITED.search(line), line


def section(body: str, name: str) -> str:
    return body.split(f"\n## {name}", 1)[1].split("\n## ", 1)[0]


def test_the_story_s_draft() -> None:
    tape = story()
    body = build(tape.events, FACTS)
    check(body, tape.events)
    summary = section(body, "Summary")
    assert "checkout was affected from 13:59 to 14:11 UTC (12 min 30 s) [7, 22]." in summary
    assert "Ana declared sev1 at 14:02 UTC [1]." in summary
    assert (
        "`failover/rds-multi-az` was run at 14:07:01 UTC, asked for by Ana, approved by Ben and Chi, "
        "and succeeded after 4 min 29 s [8, 9, 12, 14, 15, 16, 22]." in summary
    )
    assert "Ben resolved it at 14:20 UTC: “writer failed over” [24]." in summary
    assert "declare/default" not in summary
    times = section(body, "Key times")
    assert "| 13:59 [7] | 14:02 [1] | 14:04 [5] | 14:09 [16] | 14:11 (inferred) [22] | 14:20 [24] |" in times
    assert "+5 min 2 s, of which **waiting for approval 1 min 52 s** [5, 12, 14, 15, 16]" in times
    assert "RTO: 12 min 30 s of 15 min, met ✅ (the time of restoration is inferred) [7, 22]." in times
    assert "RPO: *not measured* of 5 min; expected before going: “0 s” [12]." in times
    ran = section(body, "What ran and who approved")
    assert "was approved by Ben (14:08:10) and Chi (14:09:02), 1 min 52 s after it was asked for" in ran
    assert "Ana said approve, which did not count (barred) [13]." in ran
    assert "✅ 2 `aws.rds_failover` succeeded in 1 min 48 s: “writer in eu-north-1b” [17, 19]." in ran
    assert "`declare/default` succeeded after 4 s [2, 3, 4]." in ran
    assert "Two approvals took 1 min 52 s [12, 14, 15, 16]." in section(body, "Went well")
    assert "acknowledged in 2 min, 5 min were agreed [1, 5]." in section(body, "Went well")
    assert "| Incident commander | Ben (interim) | 14:04 UTC | [6] |" in section(body, "Roles")
    assert "14:12 UTC, Dov (monitoring): “Checkout is back; we watch.” [23]." in section(body, "Updates sent")
    assert "13:59:00 (written 14:05:00)" in section(body, "Timeline")
    assert section(body, "Went wrong").strip() == "- *(yours)*"
    assert follow_ups(tape.events, FACTS) == 0


def test_what_went_wrong_is_a_candidate_and_a_follow_up() -> None:
    tape = story()
    tape.step("14:13", "failed", 4, "postgres.check_tables", texts={"error": "orders is locked"})
    tape.step("14:13:30", "started", 4, "postgres.check_tables", attempt=2)
    tape.step("14:13:40", "succeeded", 4, "postgres.check_tables")
    tape.step("14:14", "started", 5, "statuspage.publish")
    tape.step("14:14:10", "unknown", 5, "statuspage.publish")
    tape.step("14:14:20", "reconciled", 5, "statuspage.publish", texts={"evidence": "it is published"})
    tape.step("14:14:20", "succeeded", 5, "statuspage.publish")
    tape.step("14:15", "skipped", 6, "mail.customers", texts={"reason": "no customers"})
    tape.step("14:16", "failed", 7, "jira.ticket", texts={"error": "401"})
    tape.add("14:35", "clock.overdue", what="update")
    tape.add("14:40", "incident.time", "P-ANA", source="14:31", which="restored")
    body = build(tape.events, FACTS)
    check(body, tape.events)
    wrong = section(body, "Went wrong")
    assert "`postgres.check_tables` needed 2 attempts [25, 26, 27]." in wrong
    assert "`jira.ticket` failed: “401” [33]." in wrong
    assert "The clock for the next update ran out [34]." in wrong
    assert "The RTO was missed [7, 35]." in wrong
    assert "RTO: 32 min of 15 min, missed by 17 min ❌ [7, 35]." in section(body, "Key times")
    assert "turned out to have happened [28, 29, 30, 31]." in section(body, "Got lucky")
    actions = section(body, "Action items")
    assert "| Find out why `jira.ticket` failed in `failover/rds-multi-az` | *(yours)* | *(yours)* | [33] |" in actions
    assert "Do or drop what was skipped: `mail.customers`" in actions
    assert follow_ups(tape.events, FACTS) == 5


def test_a_measured_loss_is_told_as_measured() -> None:
    tape = story()
    tape.step("14:12", "done", 4, "postgres.marker", texts={"outputs": '{"data_loss_s": 2}'})
    assert "RPO: 2 s lost, measured, of 5 min, met ✅ [25]." in build(tape.events, FACTS)
    tape.step("14:12", "done", 5, "postgres.marker", texts={"outputs": '{"data_loss_s": 400}'})
    assert "RPO: 6 min 40 s lost, measured, of 5 min, missed ❌ [26]." in build(tape.events, FACTS)
    tape.step("14:12", "done", 6, "x", texts={"outputs": None})
    tape.step("14:12", "done", 7, "x", texts={"outputs": "not json"})
    assert "[26]" in section(build(tape.events, FACTS), "Key times")


def test_what_nobody_knows_is_said_plainly() -> None:
    tape = Tape()
    tape.add("14:02", "incident.declared", "P-ANA", severity="sev1", texts={"title": None})
    body = build(tape.events, FACTS)
    check(body, tape.events)
    assert "| *unknown* | 14:02 [1] | *unknown* | *unknown* | *unknown* | *unknown* |" in body
    assert "RTO: *unknown* of 15 min, since nobody said when it was restored [1]." in body
    assert "RPO: *unknown* of 5 min, since nothing measured it [1]." in body
    bare = build(tape.events, Facts("INC-42", "x", "sev1"))
    assert "RTO: none is agreed for this [1]." in bare and "P-ANA declared" in bare
    with pytest.raises(ValueError, match="no events"):
        build([], FACTS)


def test_a_cancelled_one_and_an_outage_that_ends_with_it() -> None:
    tape = Tape()
    tape.add("14:02", "incident.declared", "P-ANA", severity="sev3", texts={"title": "noise"})
    tape.add("14:10", "incident.severity", "P-BEN", **{"from": "sev3", "to": "sev4"}, texts={"reason": "small"})
    tape.add("14:20", "incident.cancelled", "P-BEN", texts={"reason": "a test alert"})
    body = build(tape.events, FACTS)
    check(body, tape.events)
    assert "Ben cancelled it at 14:20 UTC: “a test alert” [3]." in body
    assert "until it was resolved: nobody said when it was restored" in body
    assert "| 14:10 UTC | sev3 | sev4 | Ben | “small” | [2] |" in body


def test_typed_words_cannot_forge_a_citation_a_heading_or_a_cell() -> None:
    tape = story()
    evil = "done [99].\n## Summary\n| a | b | <script> `x` *b* \\[1\\]"
    tape.add("14:21", "incident.note", "P-ANA", texts={"text": evil})
    tape.add("14:22", "incident.update", "P-ANA", status="monitoring", texts={"text": evil})
    body = build(tape.events, FACTS)
    check(body, tape.events)
    assert body.count("\n## Summary") == 1 and "<script>" not in body.replace("\\<script>", "")
    assert r"done \[99\]. \#\# Summary \| a \| b" in body


def test_a_long_timeline_is_cut_and_says_so() -> None:
    tape = story()
    for _ in range(1000):
        tape.add("14:21", "incident.note", "P-ANA", texts={"text": "x"})
    body = build(tape.events, FACTS)
    check(body, tape.events)
    assert "more events are in the export" in body


def test_what_people_said_of_the_impact_is_cited() -> None:
    tape = story()
    said = {"users": "12 % of checkouts. All of <them>", "text": "cards only"}
    seq = tape.add("14:15", "incident.impact", "P-ANA", **{"from": "2026-11-20T13:59:00.000000Z"}, texts=said)
    body = build(tape.events, FACTS)
    check(body, tape.events)
    line = next(one for one in body.splitlines() if one.startswith("- Said: users “12 % of checkouts"))
    assert "from 13:59" in line and "“cards only”" in line and line.endswith(f"[{seq}].")


TYPES = [
    "incident.impact", "incident.declared", "incident.acknowledged", "incident.time", "incident.update", "incident.resolved", "incident.role",
    "incident.severity", "incident.note", "run.requested", "run.started", "run.paused", "run.ended", "step.started",
    "step.done", "step.succeeded", "step.failed", "step.unknown", "step.reconciled", "step.skipped", "step.uncertain",
    "approval.requested", "approval.voted", "approval.granted", "approval.denied", "approval.expired", "approval.void",
    "approval.revoked", "approval.unreachable", "clock.overdue", "alert.resolved", "something.new",
]  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(TYPES), st.integers(0, 9), st.booleans(), st.text(max_size=20)), min_size=1))
def test_any_timeline_at_all_gives_a_draft_that_cites(lines: list[tuple[str, int, bool, str]]) -> None:
    """Events missing, doubled, out of order, with nothing in them: still a page, still cited."""
    events = []
    for seq, (type, n, full, text) in enumerate(lines, 1):
        body: dict[str, Any] = {"run": f"INC-42/{n % 2}"} if type.startswith(("run", "step", "approval")) else {}
        if full:
            body |= {"step": n % 3, "uses": "a.b", "playbook": "p/q", "approval": f"A{n % 2}", "counted": bool(n % 2),
                     "person": "P-ANA", "choice": "approve", "outcome": "succeeded", "which": "restored",
                     "attempt": n, "by": ["P-ANA"], "effect": text, "data_loss": text}  # fmt: skip
        texts: dict[str, str | None] = {"text": text, "title": text, "said": None} if full else {}
        when = DAY + timedelta(minutes=n)
        events.append(Event("INC-42", seq, type, when, "P-ANA", body, texts, when if n % 3 else None, None, "0" * 64))
    known = {event.seq for event in events}
    for found in CITED.findall(build(events, FACTS)):
        assert {int(number) for number in found.split(", ")} <= known
    follow_ups(events, FACTS)


POLICY = """
severities: {sev1: {title: outage, acknowledge_within: 5m}}
services: {checkout: {tier: 1, rto: 15m, rpo: 5m}}
roles: {commander: {title: Incident commander}}
"""


async def test_drafts_are_kept_under_their_key(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'muster.db'}"
    migrate.upgrade(url)
    db = Database(url)
    drafts = TimelineDrafts(db, parse_policy(POLICY))
    found = await db.write(
        lambda tx: incidents.open_incident(
            tx, title="checkout is down", severity="sev1", by="P-ANA", service="checkout"
        )
    )
    first = await drafts.post_mortem(found.id, "key-1")
    assert (first.name, first.body.startswith(f"# {found.id} · sev1 · checkout is down")) == (
        f"{found.id}-post-mortem.md", True,
    )  # fmt: skip
    assert "of 15 min" in first.body
    await db.write(lambda tx: append(tx, found.id, Entry("incident.note", "P-ANA", {}, {"text": "later"})))
    assert await drafts.post_mortem(found.id, "key-1") == first
    second = await drafts.post_mortem(found.id, "key-2")
    assert second.id != first.id and "later" in second.body
    assert await drafts.read(first.id, found.id) == first
    assert len(await db.read(lambda tx: documents.of_stream(tx, found.id))) == 2
    with pytest.raises(Refused, match="no INC-99"):
        await drafts.post_mortem("INC-99", "key-3")
    with pytest.raises(Refused, match="no document"):
        await drafts.read("doc-none", found.id)
    assert (await drafts.read(f"export:{found.id}:jsonl:1", found.id)).name == f"{found.id}.jsonl"
    for asked, whose in (
        (first.id, "INC-2"), (first.id, ""), (f"export:{found.id}:jsonl:1", "INC-2"), ("export:org:jsonl:9", found.id),
        ("export:org:jsonl:9", ""), (f"export:{found.id}:pdf:1", found.id), (f"export:{found.id}", found.id),
    ):  # fmt: skip
        with pytest.raises(Refused, match="Nothing was sent"):  # who may run playbooks need not see every incident
            await drafts.read(asked, whose)
    await db.close()
