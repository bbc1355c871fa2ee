"""What a timeline tells: key times, runs with their steps and approvals, put together from events. Pure.

Belongs here: reading events, tolerant of missing ones. Does not belong here: any sentence (post_mortem_parts.py and
post_mortem_lessons.py), any row.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from storage.timeline import Event

TIMES = ("detected", "declared", "acknowledged", "decided", "restored", "resolved")


@dataclass(frozen=True)
class Moment:
    """A time and the events that say so. inferred: nobody said it, a run's success suggests it."""

    at: datetime
    seqs: tuple[int, ...]
    inferred: bool = False


@dataclass
class StepStory:
    """One step of a run. outcome: succeeded, failed, skipped, uncertain, unknown or "" while it is not over."""

    idx: int
    first: int
    id: str = ""
    uses: str = ""
    outcome: str = ""
    words: str = ""
    attempts: int = 1
    started: datetime | None = None
    ended: datetime | None = None
    was_unknown: int = 0
    reconciled: str = ""
    seqs: list[int] = field(default_factory=list)
    failures: list[int] = field(default_factory=list)

    @property
    def took(self) -> timedelta | None:
        """From the last start to the end."""
        return max(self.ended - self.started, timedelta()) if self.started and self.ended else None


@dataclass
class Ballot:
    """One attempt to vote."""

    person: str
    choice: str
    counted: bool
    why: str
    at: datetime
    seq: int


@dataclass
class ApprovalStory:
    """One request for approval. outcome: granted, denied, expired, void, or "" while it is open."""

    id: str
    first: int
    step: int = 0
    effect: str = ""
    data_loss: str = ""
    requested: Moment | None = None
    decided: Moment | None = None
    outcome: str = ""
    votes: list[Ballot] = field(default_factory=list)
    by: tuple[str, ...] = ()

    @property
    def waited(self) -> timedelta | None:
        """From request to decision."""
        return max(self.decided.at - self.requested.at, timedelta()) if self.requested and self.decided else None

    @property
    def approvers(self) -> list[Ballot]:
        """The votes it was granted by (or that count so far), one per person, the last of each."""
        yes = [vote for vote in self.votes if vote.counted and vote.choice == "approve"]
        return list({vote.person: vote for vote in yes if not self.by or vote.person in self.by}.values())

    @property
    def refused(self) -> list[Ballot]:
        """Votes that did not count."""
        return [vote for vote in self.votes if not vote.counted]

    @property
    def seqs(self) -> list[int]:
        """Request, counted votes and decision."""
        said = [moment for moment in (self.requested, self.decided) if moment]
        return sorted({seq for moment in said for seq in moment.seqs} | {vote.seq for vote in self.approvers})


@dataclass
class RunStory:
    """One run. shown: people see it as a run of their own; the rest is housekeeping (declare, update, resolve)."""

    id: str
    first: int
    playbook: str = ""
    requester: str = ""
    shown: bool = True
    requested: Moment | None = None
    started: Moment | None = None
    ended: Moment | None = None
    outcome: str = ""
    steps: dict[int, StepStory] = field(default_factory=dict)
    approvals: dict[str, ApprovalStory] = field(default_factory=dict)
    pauses: list[int] = field(default_factory=list)

    @property
    def granted(self) -> list[ApprovalStory]:
        """Approvals that were given."""
        return [one for one in self.approvals.values() if one.outcome == "granted"]

    @property
    def seqs(self) -> list[int]:
        """Request, start and end."""
        return [seq for moment in (self.requested, self.started, self.ended) if moment for seq in moment.seqs]


@dataclass
class Story:
    """Everything the sections are written from. first: number of the first event, last: of the last one read."""

    events: Sequence[Event]
    times: dict[str, Moment] = field(default_factory=dict)
    runs: dict[str, RunStory] = field(default_factory=dict)

    @property
    def first(self) -> int:
        """Number of the declaration, else of the first event."""
        declared = self.times.get("declared")
        return declared.seqs[0] if declared else (self.events[0].seq if self.events else 0)

    def of(self, *types: str) -> list[Event]:
        """Events of these types, in order."""
        return [event for event in self.events if event.type in types]

    @property
    def steps(self) -> Iterable[tuple[RunStory, StepStory]]:
        """Every step of every run, in order."""
        return ((run, step) for run in self.runs.values() for _, step in sorted(run.steps.items()))

    @property
    def approvals(self) -> Iterable[tuple[RunStory, ApprovalStory]]:
        """Every approval of every run, in order."""
        return ((run, one) for run in self.runs.values() for one in run.approvals.values())


def tell(events: Sequence[Event]) -> Story:
    """Put the story together from one incident's events, in order."""
    story = Story(events)
    for event in events:
        if event.type.startswith("incident."):
            _incident(story, event)
        elif run := str(event.body.get("run") or ""):
            _run(story.runs.setdefault(run, RunStory(run, event.seq)), event)
    granted = [one.decided for _, one in story.approvals if one.outcome == "granted" and one.decided]
    if granted:
        story.times["decided"] = min(granted, key=lambda moment: moment.at)
    if "restored" not in story.times and (end := _last_recovery(story)):
        story.times["restored"] = Moment(end.at, end.seqs, inferred=True)
    return story


def _incident(story: Story, event: Event) -> None:
    kind = event.type.removeprefix("incident.")
    if kind == "time" and event.body.get("which") in ("detected", "restored"):
        story.times[str(event.body["which"])] = Moment(event.when, (event.seq,))  # the latest word counts
    elif kind == "declared":
        story.times["declared"] = Moment(event.at, (event.seq,))
    elif kind == "acknowledged" and "acknowledged" not in story.times:
        declared = story.times.get("declared")
        when = max(event.when, declared.at) if declared else event.when
        story.times["acknowledged"] = Moment(min(when, event.at), (event.seq,))
    elif kind in ("resolved", "cancelled"):
        story.times["resolved"] = Moment(event.at, (event.seq,))


def _run(run: RunStory, event: Event) -> None:
    moment = Moment(event.at, (event.seq,))
    run.playbook = run.playbook or str(event.body.get("playbook") or "")
    area, _, what = event.type.partition(".")
    if area == "approval" and event.body.get("approval"):
        id = str(event.body["approval"])
        _approval(run.approvals.setdefault(id, ApprovalStory(id, event.seq)), what, event)
    elif area == "step" and isinstance(idx := event.body.get("step"), int):
        _step(run.steps.setdefault(idx, StepStory(idx, event.seq)), what, event)
    elif what == "requested":
        run.requested, run.requester = moment, str(event.body.get("requester") or event.actor)
        run.shown = bool(event.body.get("shown", True))
    elif what == "started":
        run.started = run.started or moment
    elif what == "paused":
        run.pauses.append(event.seq)
    elif what == "ended":
        run.ended, run.outcome = moment, str(event.body.get("outcome") or "ended")


def _approval(one: ApprovalStory, what: str, event: Event) -> None:
    step = event.body.get("step")
    one.step = step if isinstance(step, int) else one.step
    if what == "requested":
        one.requested = Moment(event.at, (event.seq,))
        one.effect = str(event.body.get("effect") or "")
        one.data_loss = str(event.body.get("data_loss") or "")
    elif what == "voted":
        body = event.body
        person = str(body.get("person") or event.actor)
        why = str(body.get("why") or "")
        one.votes.append(
            Ballot(person, str(body.get("choice") or ""), bool(body.get("counted")), why, event.at, event.seq)
        )
    elif what in ("granted", "denied", "expired", "void"):
        if one.outcome != "granted":
            one.decided = Moment(event.at, (event.seq,))
        if one.outcome != "granted" or what == "granted":
            one.outcome = what
        one.by = tuple(map(str, event.body.get("by") or one.by))
    elif what == "revoked":
        one.votes = [vote for vote in one.votes if vote.person != event.actor]


def _step(step: StepStory, what: str, event: Event) -> None:
    step.id = step.id or str(event.body.get("id") or "")
    step.uses = step.uses or str(event.body.get("uses") or "")
    if what == "started":
        attempt = event.body.get("attempt")
        step.attempts = max(step.attempts, attempt if isinstance(attempt, int) else 1)
        step.started, step.outcome = event.at, ""
        step.seqs = [event.seq]
    elif what in ("succeeded", "failed", "skipped", "uncertain"):
        step.outcome, step.ended = what, event.at
        step.words = next(filter(None, (_said(event, name) for name in ("said", "error", "reason"))), step.words)
        step.seqs.append(event.seq)
        if what == "failed":
            step.failures.append(event.seq)
    elif what == "unknown":
        step.was_unknown, step.outcome = event.seq, "unknown"
        step.seqs.append(event.seq)
    elif what == "reconciled":
        step.reconciled = _said(event, "evidence")
        step.seqs.append(event.seq)


def _said(event: Event, name: str) -> str:
    return event.text(name) or str(event.body.get(name) or "")


def _last_recovery(story: Story) -> Moment | None:
    """The end of the last run that did an approved step and succeeded."""
    ends = [run.ended for run in story.runs.values() if run.granted and run.outcome == "succeeded" and run.ended]
    return max(ends, key=lambda moment: moment.at, default=None)
