"""/incident postmortem"""

from __future__ import annotations

from typing import Any

from playbooks.engine.post_mortem import TimelineDrafts
from playbooks.engine.post_mortem_sections import replaced, sections
from storage import documents, post_mortems, runs, timers


async def test_a_fresh_draft_and_the_last_one(talk: Any) -> None:
    id = await talk.declare()
    assert "no post-mortem yet" in (await talk("Ana", "incident postmortem show")).text
    assert "no post-mortem yet" in (await talk("Ana", "incident postmortem section=summary x")).text
    first = await talk("Ana", "incident postmortem")
    assert "Drafting the post-mortem of *INC-1*" in first.text and first.document is None
    keep = {"stream": id, "name": "INC-1-post-mortem.md", "key": "k", "body": "# x"}
    kept = await talk.house.db.write(lambda tx: documents.keep(tx, **keep))
    second = await talk("Ana", "incident postmortem")
    assert second.document == kept.id and "INC-1-post-mortem.md" in second.text


async def test_people_write_sections_and_every_version_stays(talk: Any) -> None:
    id = await talk.declare()
    drafts = TimelineDrafts(talk.house.db, talk.house.policy)
    draft = await drafts.post_mortem(id, "one")
    wrote = await talk("Ana", "incident postmortem section=five-whys 1. Because\n## of dust")
    assert wrote.ok and "version 2" in wrote.text, wrote.text
    again = await talk("Ben", "incident postmortem section=went-well Chi was quick.", kind="form")
    assert "version 3" in again.text
    await drafts.post_mortem(id, "two")  # as resolving does
    every = await talk.read(lambda tx: post_mortems.versions(tx, id))
    assert [one.section for one in every] == ["", "five-whys", "went-well", ""]
    ana = await talk.member("Ana")
    assert [one.by == ana for one in every] == [False, True, False, False]
    counts = await talk.read(lambda tx: post_mortems.latest(tx, id))
    parts = {one.slug: one for one in sections(counts.document.body)}
    assert parts["five-whys"].text == "1. Because\n### of dust" and not parts["five-whys"].wanted
    assert parts["went-well"].text == "Chi was quick." and parts["impact"].wanted
    assert [one.slug for one in sections(counts.document.body)] == [one.slug for one in sections(draft.body)]
    shown = await talk("Eve", "incident postmortem")
    assert "version 3 by *Ben*" in shown.text and "_to fill in_" in shown.text
    assert [b.line for b in shown.buttons if "five-whys" in b.line] == [f"incident postmortem {id} section=five-whys"]
    # Chi's form began with the draft, where that section was another.
    late = await talk("Chi", f"incident postmortem section=five-whys base={draft.id} my words", kind="form")
    assert not late.ok and "while you wrote" in late.text and "my words" in late.text
    other = await talk("Chi", f"incident postmortem section=impact base={draft.id} All cards.", kind="form")
    assert other.ok, "another section may be written at the same time"
    sent = await talk("Ana", "incident postmortem share")
    run = await talk.read(lambda tx: runs.of_incident(tx, id)[-1])
    assert "version 5" in sent.text and run.inputs["document"] == other.document
    for line, words in (("section=nope x", "can be"), ("Checkout was down", "Which section"), ("what=nope", "can be")):
        reply = await talk("Ana", f"incident postmortem {line}")
        assert not reply.ok and words in reply.text, reply.text
    assert len(await talk.events(id, "postmortem.edited")) == 3


def test_a_section_that_is_not_there_is_said() -> None:
    try:
        replaced("# t\n\n## A\n\nx\n", "b", "y")
    except KeyError:
        return
    raise AssertionError


async def test_sharing_asks_whether_the_retrospective_was_held(talk: Any) -> None:
    id = await talk.declare()
    await TimelineDrafts(talk.house.db, talk.house.policy).post_mortem(id, "one")
    assert "etrospective" not in (await talk("Ana", "incident postmortem share")).text, "nothing is due yet"
    await talk("Ben", "incident resolve done")
    shared = await talk("Ana", f"incident postmortem {id} share")
    assert "Still to fill in: `impact`, `five-whys`" in shared.text, shared.text
    assert "Was the retrospective held? Due *" in shared.text and "*Ben* is reminded" in shared.text
    (held,) = shared.buttons
    assert (await talk("Eve", held.line, kind="button")).ok
    left = [one.subject for one in await talk.read(lambda tx: timers.pending_of(tx, id)) if one.kind == "followup"]
    assert left == [], "and the reminders end"
    again = await talk("Ana", f"incident postmortem {id} share")
    assert "☑️ The retrospective was held" in again.text and again.buttons == ()
    assert "☑️ The retrospective was held" in (await talk("Ana", f"incident postmortem {id} what=show")).text
