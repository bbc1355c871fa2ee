"""/incident sev"""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from playbooks.errors import Refused
from storage import cards, incidents, runs
from storage import timers as storage_timers
from storage.tables import timers


async def test_it_changes_with_the_reason_and_new_clocks(talk: Any) -> None:
    await talk.declare()
    reply = await talk("Ben", "incident sev sev2 only one shop")
    assert "*INC-1* is *sev2* now (was sev1)" in reply.text and "every 1 h" in reply.text
    event = (await talk.events("INC-1", "incident.severity"))[0]
    assert event.body == {"from": "sev1", "to": "sev2"} and event.text("reason") == "only one shop"


async def test_raised_it_pages_as_a_declare_would_have(talk: Any) -> None:
    """By a run of its own, with the incident's one key; the clock of the acknowledgement starts now."""
    id = await talk.declare("sev3 checkout is slow service=checkout")
    reply = await talk("Ben", "incident sev critical")
    assert reply.ok and "The on-call is being paged." in reply.text

    def look(tx: Any) -> None:
        run = runs.of_incident(tx, id)[-1]
        assert run.playbook == "sev/raise" and not run.shown
        waiting = set(tx.conn.execute(select(timers.c.kind, timers.c.subject).where(timers.c.state == "pending")).all())
        assert {("acknowledge", id), ("settle", run.id)} <= {tuple(row) for row in waiting}
        assert cards.get(tx, "status_page", id), "the draft of the new severity"

    await talk.read(look)
    assert "The page says so too" in (await _paged(talk, id, "sev2", "sev1")).text


async def _paged(talk: Any, id: str, down: str, up: str) -> Any:
    await talk.house.db.write(lambda tx: incidents.set_facts(tx, id, {"page_key": f"muster/{id}"}))
    await talk("Ben", f"incident sev {down}")
    return await talk("Ben", f"incident sev {up}")


async def test_lowered_it_stops_nothing(talk: Any) -> None:
    id = await talk.declare()
    before = [run.id for run in await talk.read(lambda tx: runs.of_incident(tx, id))]
    reply = await talk("Ben", "incident sev sev3")
    assert reply.ok and "paged" not in reply.text
    assert [run.id for run in await talk.read(lambda tx: runs.of_incident(tx, id))] == before


async def _clocks(talk: Any, id: str) -> dict[str, Any]:
    """Kind -> when it is due, of what is still to come; the board's time of the next update as "board"."""
    found = {one.kind: one.due_at for one in await talk.read(lambda tx: storage_timers.pending_of(tx, id))}
    return found | {"board": (await talk.incident(id)).update_due_at}


KEPT = ("update", "board", "customer_mail", "acknowledge")


async def test_lowered_it_cancels_no_promised_notice(talk: Any) -> None:
    id = await talk.declare()
    promised = await _clocks(talk, id)
    assert promised["update"] == promised["board"]
    for lower, after in (("sev2", "after it every 1 h"), ("sev3", "after it none is due")):
        reply = await talk("Ben", f"incident sev {lower}")
        assert "stays due" in reply.text and after in reply.text
        left = await _clocks(talk, id)
        assert {kind: left[kind] for kind in KEPT} == {kind: promised[kind] for kind in KEPT}, lower
    assert "Acknowledgement: due" in (await talk("Ben", "incident clocks")).text


async def test_raised_it_is_due_earlier_or_when_it_was(talk: Any) -> None:
    id = await talk.declare("sev2 checkout is slow")
    before = await _clocks(talk, id)
    assert "customer_mail" not in before and "acknowledge" not in before
    reply = await talk("Ben", "incident sev sev1")
    after = await _clocks(talk, id)
    assert after["board"] == after["update"] < before["board"] and "every 30 min" in reply.text
    assert after["customer_mail"] and after["acknowledge"]
    await talk("Ben", "incident sev sev3")
    assert "stays due" in (await talk("Ben", "incident sev sev1")).text
    again = await _clocks(talk, id)
    assert {kind: again[kind] for kind in KEPT} == {kind: after[kind] for kind in KEPT}, "a detour puts nothing off"


async def test_raised_without_its_playbook_names_the_telephone(talk: Any, monkeypatch: Any) -> None:
    await talk.declare("sev3 checkout is slow service=checkout")
    found = talk.house.library.find

    def find(name: str) -> Any:
        if name == "sev/raise":
            raise Refused("There is no playbook sev/raise.")
        return found(name)

    monkeypatch.setattr(talk.house.library, "find", find)
    reply = await talk("Ben", "incident sev critical")
    assert reply.ok and "Nobody was paged for it" in reply.text and "+1-555-0199" in reply.text
    assert (await talk.incident("INC-1")).severity == "sev1"


async def test_the_same_again_changes_nothing(talk: Any) -> None:
    await talk.declare()
    reply = await talk("Ben", "incident sev SEV-1")
    assert not reply.ok and "already" in reply.text


async def test_a_wrong_one_is_answered_with_a_line_of_this_command(talk: Any) -> None:
    await talk.declare()
    reply = await talk("Ben", "incident sev sev9")
    assert "no severity *sev9*" in reply.text and "/incident sev sev2" in reply.text
