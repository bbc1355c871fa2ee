"""/incident followups"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import select

from storage import followups, post_mortems, tables, timers


async def test_add_list_and_done(talk: Any) -> None:
    id = await talk.declare()
    assert "Nothing yet" in (await talk("Ana", "incident followups")).text
    reply = await talk("Ana", "incident followups add owner=<@UBEN|ben> alarm on <replica> lag")
    assert "☐ *f1* alarm on &lt;replica&gt; lag · *Ben* · due *" in reply.text
    (made,) = await talk.read(lambda tx: followups.of_incident(tx, id))
    days = (made.due_at - made.added_at) / timedelta(days=1)
    assert 11 < days < 17 and made.due_at.hour == 17, "ten business days by policy, to their end"
    assert (await talk("Ana", "incident followups add due=48h write the runbook")).data["followup"] == "f2"
    await talk("Ana", "incident resolve done")
    listed = await talk("Eve", f"incident followups {id}")
    assert [button.label for button in listed.buttons] == ["Done f1", "Done f2", "Done retrospective"]
    assert (await talk("Ben", listed.buttons[0].line, kind="button")).ok
    (event,) = await talk.events(id, "followup.done")
    assert event.body == {"followup": "f1"}
    assert "done by *Ben*" in (await talk("Ana", "incident followups")).text
    pending = [one.subject for one in await talk.read(lambda tx: timers.pending_of(tx, id)) if one.kind == "followup"]
    assert sorted(pending) == [f"{id}/f2", f"{id}/retrospective"]


async def test_resolving_adds_the_retrospective_once_where_policy_wants_one(talk: Any) -> None:
    id = await talk.declare()
    reply = await talk("Ben", "incident resolve done")
    assert "Retrospective due *" in reply.text and "/incident followups INC-1 done retrospective" in reply.text
    (made,) = await talk.read(lambda tx: followups.of_incident(tx, id))
    assert (made.name, made.by, made.owner) == ("retrospective", "muster", await talk.member("Ben", "sre"))
    other = await talk.declare("sev3 small thing", channel="C43")
    await talk("Ben", "incident resolve done")
    assert await talk.read(lambda tx: followups.of_incident(tx, other)) == []


async def test_wrong_input(talk: Any) -> None:
    id = await talk.declare()
    assert "Say what is to be done" in (await talk("Ana", "incident followups add")).text
    assert "needs an owner" in (await talk("Ana", "incident followups add owner=nobody x")).text
    assert "has no follow-up f9. Open ones: none" in (await talk("Ana", "incident followups done f9")).text
    assert "Which one?" in (await talk("Ana", "incident followups done")).text
    assert "Did you mean *done*?" in (await talk("Ana", "incident followups don f1")).text.replace("**", "*")
    await talk("Ana", "incident cancel it was the probe")
    assert "it was no incident" in (await talk("Ana", f"incident followups {id} add x")).text


async def test_take_makes_each_action_item_a_follow_up_once(talk: Any) -> None:
    id = await talk.declare()
    assert "no post-mortem yet" in (await talk("Ana", "incident followups take")).text

    async def text(words: str) -> None:
        body = f"# x\n\n## Action items\n\n{words}\n"
        given = {"by": "P", "section": "action-items", "before": "", "key": words}
        await talk.house.db.write(lambda tx: post_mortems.save(tx, id, body, **given))

    await text("*(none suggested by the timeline; add yours)*")
    assert "has no action items" in (await talk("Ana", "incident followups take")).text
    rows = "| what | owner | due |\n|---|---|---|\n| Alarm on lag | Ben | 2027-02-01 |\n| page | Zoe | *(yours)* |"
    await text(rows)
    taken = await talk("Ana", "incident followups take")
    assert "2 follow-ups taken" in taken.text and "*Zoe* is nobody I can tell" in taken.text
    one, two = await talk.read(lambda tx: followups.of_incident(tx, id))
    assert one.owner == await talk.member("Ben", "sre") and one.due_at.date().isoformat() == "2027-02-01"
    assert two.owner == await talk.member("Ana") and two.open
    assert "Every action item is a follow-up already" in (await talk("Ana", "incident followups take")).text
    await text("\n".join(f"- item {number}" for number in range(21)))
    assert "at most 20 are taken at once" in (await talk("Ana", "incident followups take")).text
    assert len(await talk.read(lambda tx: followups.of_incident(tx, id))) == 2


async def test_who_does_it_until_when_is_changed_told_and_reminded_of_anew(talk: Any) -> None:
    id = await talk.declare()
    await talk("Ana", "incident followups add alarm on lag")
    before = await talk.read(lambda tx: followups.get(tx, id, "f1"))
    eve = await talk.member("Eve")
    changed = await talk("Ana", "incident followups change f1 owner=<@UEVE|eve> due=72h Ana is away")
    assert changed.ok and "follow-up f1 changed" in changed.text and "· *Eve* · due *" in changed.text
    now = await talk.read(lambda tx: followups.get(tx, id, "f1"))
    assert now.owner == eve and before.owner == await talk.member("Ana") and now.due_at < before.due_at
    (event,) = await talk.events(id, "followup.changed")
    assert event.text("reason") == "Ana is away" and event.body["before"] == before.owner
    told = await talk.read(lambda tx: tx.conn.execute(select(tables.replies.c.body)).scalars().all())
    assert [one for one in told if "to be done after it, by you" in str(one)], "who has it now is told"
    (timer,) = [one for one in await talk.read(lambda tx: timers.pending_of(tx, id)) if one.kind == "followup"]
    assert timer.subject == f"{id}/f1"
    assert "stands already" in (await talk("Ben", "incident followups change f1 owner=<@UEVE|eve>")).text
    for words, said in (
        ("change", "Say which one"), ("change f1", "Say which one"), ("change f9 due=48h", "no follow-up f9"),
        ("change f1 owner=nobody", "needs an owner"),
    ):  # fmt: skip
        assert said in (await talk("Ana", f"incident followups {words}")).text
    await talk("Ana", "incident followups done f1")
    assert "was done on" in (await talk("Ana", "incident followups change f1 due=48h")).text
    assert len(await talk.events(id, "followup.changed")) == 1
