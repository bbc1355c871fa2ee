"""`/incident postmortem`: what happened, drafted from the timeline, then a text people write, section by section."""

from __future__ import annotations

import re
from typing import Annotated

from commands.command import Button, Call, Reply, command
from commands.fields import Arg
from commands.places import InIncident
from commands.starting import start
from commands.timers import settle
from commands.words import clock, cut, esc, lines
from playbooks.engine import post_mortem_sections as written
from playbooks.errors import Refused
from storage import documents, followups, people, post_mortems
from storage.inbox import Ask
from storage.post_mortems import Version

# What people write, in the order of the text; the rest is drawn from the timeline and can be changed too.
THEIRS = (
    "summary",
    "impact",
    "five-whys",
    "contributing-factors",
    "went-well",
    "went-wrong",
    "got-lucky",
    "action-items",
)
SECTIONS = (
    "summary", "severity", "impact", "roles", "key-times", "what-ran-and-who-approved", "left-behind", "updates-sent",
    "timeline", "five-whys", "contributing-factors", "went-well", "went-wrong", "got-lucky", "action-items",
)  # fmt: skip
_BARE = re.compile(r"/?incident\s+postmortem(\s+(incident=)?INC-\d+)?\s+section=\S+(\s+base=\S+)?\s*", re.IGNORECASE)


@command(
    "incident postmortem",
    group="Start and end",
    place="incident",
    examples=(
        "incident postmortem",
        "incident postmortem section=summary Checkout was down for 12 minutes.",
        "incident postmortem share",
    ),
)
class Postmortem(InIncident):
    """Draft the post-mortem from the timeline, write its sections, share it

    Alone it drafts, or shows what people wrote already. Each change keeps a new version with its author; a new draft
    never replaces what people wrote. `section=` alone opens that section in a form.
    """

    what: Annotated[str, Arg("choice", "draft it again, share it, or put it into the canvas", keyed=True,
                             choices=("show", "draft", "share", "canvas"))] = ""  # fmt: skip
    section: Annotated[str, Arg("choice", "which part to write", keyed=True, choices=SECTIONS)] = ""
    base: Annotated[str, Arg("word", "the version the form began with", keyed=True)] = ""
    text: Annotated[str, Arg("rest", "the words of that section")] = ""

    @classmethod
    def form(cls, ask: Ask) -> bool:
        """A section without words."""
        return _BARE.fullmatch(ask.line.strip()) is not None

    def act(self, call: Call, seen: None) -> Reply:
        """Writes a section, shares, drafts or shows."""
        said = self.text.strip().lower() if not self.section and not self.what else ""
        what = said if said in ("show", "draft", "share", "canvas") else self.what
        if self.text and not self.section and not said:
            raise Refused("Which section is that? Nothing was changed.", todo=_which())
        if said and said != what:
            raise Refused(
                f"Which section is that? *{esc(cut(self.text, 60))}* names none. Nothing was changed.", todo=_which()
            )
        counts = post_mortems.latest(call.tx, call.here.id)
        if self.section:
            return self._write(call, counts) if self.text else self._section(call, counts)
        if what in ("share", "canvas"):
            return self._share(call, counts, "canvas" if what == "canvas" else "file")
        if what == "draft" or (what != "show" and (counts is None or counts.by is None)):
            return self._draft(call, counts)
        if counts is None:
            raise Refused("There is no post-mortem yet.", todo=f"`/incident postmortem {call.here.id}` drafts it.")
        return self._show(call, counts)

    def _draft(self, call: Call, counts: Version | None) -> Reply:
        """Always a fresh draft; the last text is linked, so that nobody waits for it."""
        found = call.here
        run = start(call, "comms/post-mortem", {}, found)
        settle.arm(call.tx, run)
        where = "its channel" if found.channel else "Muster's documents"
        text = f"📝 Drafting the post-mortem of *{found.id}* from its timeline … it is shared in {where}."
        if counts is None:
            return Reply(text=text)
        stays = (
            f"What people wrote (version {counts.number}) still counts; the draft stands beside it."
            if counts.by
            else ""
        )
        last = counts.document
        before = f"The last text: *{esc(last.name)}* of {clock(last.created_at, call.tx.now)} UTC."
        return Reply(text=lines(text, before, stays), document=last.id, buttons=_buttons(found.id, counts))

    def _show(self, call: Call, counts: Version) -> Reply:
        by = esc(people.name(call.tx, counts.by)) if counts.by else "Muster"
        when = clock(counts.at, call.tx.now)
        head = f"📝 *Post-mortem of {call.here.id}*, version {counts.number} by *{by}*, {when} UTC"
        listed = [
            f"• *{esc(one.heading)}* (`{one.slug}`)" + (" — _to fill in_" if one.wanted else f" — {_first(one.text)}")
            for one in written.sections(counts.document.body)
        ]
        page = f"<{call.house.url}/incidents/{call.here.id}/post-mortem|Read it whole>"
        data = {"document": counts.document.id, "version": counts.number}
        retro, held = _retrospective(call)
        buttons = (*_buttons(call.here.id, counts), *held)
        return Reply(text=lines(head, *listed, retro, page), buttons=buttons, document=counts.document.id, data=data)

    def _section(self, call: Call, counts: Version | None) -> Reply:
        text = _part(counts, self.section, call.here.id)
        todo = f'To change it: `/incident postmortem section={self.section} "…"`'
        return Reply(text=lines(f"*{self.section}* of {call.here.id}:", f"```{esc(cut(text, 6000))}```", todo))

    def _write(self, call: Call, counts: Version | None) -> Reply:
        found = call.here
        now = _part(counts, self.section, found.id)
        assert counts is not None
        self._still(call, counts, now)
        if self.text.strip() == now:
            return Reply(text=f"That is what *{self.section}* says already; nothing was changed.")
        body = written.replaced(counts.document.body, self.section, self.text)
        kept = post_mortems.save(
            call.tx, found.id, body, by=call.person, section=self.section, before=counts.document.id, key=call.ask.key
        )
        number = counts.number if kept.id == counts.document.id else len(post_mortems.versions(call.tx, found.id))
        after = post_mortems.latest(call.tx, found.id) or counts
        text = f"📝 *{self.section}* of {found.id} is written: version {number}. The one before is kept."
        return Reply(text=text, buttons=_buttons(found.id, after), document=kept.id, data={"document": kept.id})

    def _still(self, call: Call, counts: Version, now: str) -> None:
        """What the form began with is what the section says. Raises Refused with the words, so that none are lost."""
        began = documents.get(call.tx, self.base) if self.base else None
        if began is None or began.id == counts.document.id:
            return
        if next((one.text for one in written.sections(began.body) if one.slug == self.section), now) == now:
            return
        by = esc(people.name(call.tx, counts.by)) if counts.by else "Muster"
        raise Refused(
            f"*{by}* changed *{self.section}* while you wrote. Nothing was changed. Your words:\n{self.text}",
            todo=f"`/incident postmortem {call.here.id} section={self.section}` opens it as it is now.",
        )

    def _share(self, call: Call, counts: Version | None, into: str) -> Reply:
        found = call.here
        if counts is None:
            raise Refused("There is no post-mortem yet. Nothing was shared.", todo=f"`/incident postmortem {found.id}`")
        if not found.channel:
            raise Refused(f"{found.id} has no channel to share it in. Nothing was shared.")
        run = start(call, "comms/share-post-mortem", {"document": counts.document.id, "into": into}, found)
        settle.arm(call.tx, run)
        where = "the canvas of its channel" if into == "canvas" else "its channel"
        open_ = [f"`{one.slug}`" for one in written.sections(counts.document.body) if one.wanted]
        unwritten = f"Still to fill in: {', '.join(open_)}." if open_ else ""
        retro, held = _retrospective(call)
        text = f"📤 Sharing version {counts.number} of the post-mortem of *{found.id}* in {where} …"
        return Reply(text=lines(text, unwritten, retro), buttons=held)


def _retrospective(call: Call) -> tuple[str, tuple[Button, ...]]:
    """Whether it was held, and the button that says so: sharing the text does not end its reminders, this does."""
    one = followups.get(call.tx, call.here.id, followups.RETROSPECTIVE)
    if one is None:
        return "", ()
    if one.done_at is not None:
        return f"☑️ The retrospective was held, {clock(one.done_at, call.tx.now)} UTC.", ()
    owner, due = esc(people.name(call.tx, one.owner)), clock(one.due_at, call.tx.now)
    held = Button(label="Retrospective held", line=f"incident followups {call.here.id} done {one.name}")
    return f"☐ Was the retrospective held? Due *{due} UTC*; *{owner}* is reminded until somebody says so.", (held,)


def _part(counts: Version | None, name: str, incident: str) -> str:
    if counts is None:
        raise Refused("There is no post-mortem yet. Nothing was changed.",
                      todo=f"`/incident postmortem {incident}` drafts it from the timeline.")  # fmt: skip
    for one in written.sections(counts.document.body):
        if one.slug == name:
            return one.text
    known = ", ".join(f"`{one.slug}`" for one in written.sections(counts.document.body))
    raise Refused(f"This post-mortem has no section *{name}*. Nothing was changed.", todo=f"It has: {known}.")


def _buttons(incident: str, counts: Version) -> tuple[Button, ...]:
    there = {one.slug: one.heading for one in written.sections(counts.document.body)}
    edits = [
        Button(label=f"✏️ {there[name]}", line=f"incident postmortem {incident} section={name}")
        for name in THEIRS
        if name in there
    ]
    take = Button(label="Take action items", line=f"incident followups {incident} take")
    return (*edits, take, Button(label="Share", line=f"incident postmortem {incident} what=share"))


def _first(text: str) -> str:
    line = next((line for line in text.splitlines() if line.strip()), "empty")
    return esc(cut(re.sub(r"[*_`|]", "", line).strip(), 90))


def _which() -> str:
    return f"`/incident postmortem section=summary …`; there are {', '.join(SECTIONS)}."
