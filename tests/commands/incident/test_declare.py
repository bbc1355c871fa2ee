"""/incident declare"""

from __future__ import annotations

from typing import Any

import pytest

from commands.incident.declare import Declare
from storage import cards, inbox, incidents, replies, runs, verify
from storage.inbox import Ask


async def test_one_line_opens_everything_in_one_transaction(talk: Any) -> None:
    reply = await talk("Ana", "incident declare sev1 checkout is down service=checkout", channel="CTOWN")
    assert reply.ok and reply.text.splitlines()[0] == (
        "🔴 Declaring *INC-1 · sev1 · checkout is down* … → `#inc-1-checkout-is-down` · paging *Payments primary*"
    )

    def look(tx: Any) -> None:
        found = incidents.get(tx, "INC-1")
        assert found and (found.severity, found.service, found.status) == ("sev1", "checkout", "investigating")
        run = runs.get(tx, "INC-1/1")
        assert run and (run.playbook, run.state, run.ask, run.shown) == ("declare/default", "queued", "ask-1", False)
        assert {card.kind for card in cards.due(tx)} == {"board", "announcement", "status_page"}
        assert found.update_due_at and (found.update_due_at - found.declared_at).total_seconds() == 1800
        assert inbox.state(tx, "ask-1") == "done" and len(replies.for_ask(tx, "ask-1")) == 1
        assert all(one.ok for one in verify.check_database(tx))

    await talk.read(look)
    types = [event.type for event in await talk.events("INC-1")]
    assert types == ["incident.declared", "run.requested"]


async def test_clocks_are_set(talk: Any) -> None:
    await talk.declare()

    def look(tx: Any) -> set[str]:
        rows = tx.conn.exec_driver_sql("select kind from timers where state = 'pending'")
        return set(rows.scalars())

    assert await talk.read(look) == {"acknowledge", "update", "settle", "customer_mail"}


async def test_security_is_private_and_says_nothing(talk: Any) -> None:
    reply = await talk("Ana", "incident declare sev1 key leaked by Bob type=security", channel="CTOWN")
    assert "leaked" not in reply.text and "Bob" not in reply.text
    assert "restricted" in reply.text and "Nothing is announced or published" in reply.text
    assert (await talk.incident("INC-1")).private
    assert await talk.read(lambda tx: cards.get(tx, "announcement", "INC-1")) is None


async def test_the_same_service_twice_is_said(talk: Any) -> None:
    await talk.declare()
    reply = await talk("Ben", "incident declare sev2 payments fail service=checkout", channel="CTOWN")
    assert "*INC-1* checkout is down is open for *checkout* too" in reply.text
    assert "/incident cancel incident=INC-2 same as INC-1" in reply.text


async def test_a_wrong_severity_is_answered_in_the_storys_words(talk: Any) -> None:
    reply = await talk("Ana", "incident declare sev9 x")
    assert not reply.ok
    assert reply.text.startswith("There is no severity *sev9*. There are sev1 (outage, data loss, breach), sev2")
    assert "Try `/incident declare sev1" in reply.text
    assert await talk.read(incidents.open_ones) == []
    assert await talk.read(lambda tx: inbox.state(tx, "ask-1")) == "refused"


async def test_a_broken_playbook_does_not_stop_the_incident(talk: Any, policy: Any) -> None:
    broken = policy.severities["sev1"].model_copy(update={"declare": "declare/gone"})
    severities = {**policy.severities, "sev1": broken}
    talk.house.policy = policy.model_copy(update={"severities": severities})
    reply = await talk("Ana", "incident declare sev1 checkout is down service=checkout")
    assert not reply.ok and "INC-1" in reply.text
    assert "nobody is paged" in reply.text and "+1-555-0199" in reply.text
    assert (await talk.incident("INC-1")).open


async def test_repeating_the_ask_has_no_effect(talk: Any) -> None:
    ask = Ask(
        key="trigger",
        kind="command",
        line="incident declare sev1 x",
        account_kind="slack",
        account="T1/UANA",
        via="slack",
    )
    assert await talk.stored(ask) is not None
    assert await talk.stored(ask) is None
    assert await talk.dispatch.handle(ask) is None
    assert len(await talk.read(incidents.open_ones)) == 1


async def test_a_form_declares(talk: Any) -> None:
    values = {"severity": "sev2", "title": "<!channel> checkout & more", "service": "checkout", "type": "normal"}
    reply = await talk("Ana", "incident declare", kind="form", values=values)
    assert "&lt;!channel&gt; checkout &amp; more" in reply.text
    assert (await talk.incident("INC-1")).title == "<!channel> checkout & more"


def test_alone_it_is_a_form_and_the_form_is_checked(house: Any) -> None:
    ask = Ask(key="k", kind="command", line="incident declare", account_kind="slack", account="T1/UANA", via="slack")
    assert Declare.form(ask)
    assert Declare.check({"severity": "sev9", "title": " ", "service": "chekout"}, house).keys() == {
        "severity", "title", "service",
    }  # fmt: skip
    assert Declare.check({"severity": "critical", "title": "x", "service": ""}, house) == {}


@pytest.mark.parametrize("title", ["💥", "!!!", "чекаут не работает", "x" * 3000, "決済が落ちた"])
async def test_any_title(talk: Any, title: str) -> None:
    reply = await talk("Ana", f"incident declare sev3 {title}")
    assert reply.ok and (await talk.incident("INC-1")).title == title
