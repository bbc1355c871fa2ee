"""/incident tell"""

from __future__ import annotations

from typing import Any

import pytest

from playbooks.policy import parse_policy
from storage import incidents, proposals, runs
from tests.commands.conftest import POLICY

LISTS = """mail_lists:
  staff: { title: Staff, audience: internal, to: [all@x.test, more@x.test], from: us@x.test }
  office: { title: The office, audience: regulator, to: [office@x.test], from: us@x.test, second_person: true }
  readers: { title: Readers, audience: customers, to: [all@x.test], from: us@x.test }
templates:
  odd: { title: Odd, audience: customers, subject: s, body: "{{ text }} {{ cause }}", values: { text: t, cause: what broke } }
"""


@pytest.fixture(scope="session")
def policy() -> Any:
    return parse_policy(POLICY.split("mail_lists:")[0] + LISTS)


async def test_shown_first_then_mailed_once_as_shown(talk: Any) -> None:
    id = await talk.declare()
    shown = await talk("Ana", "incident tell internal <b>We</b> fail over.")
    assert "not sent yet" in shown.text and "&lt;b&gt;We&lt;/b&gt; fail over." in shown.text
    assert "Affected: Checkout" in shown.text and "2 addresses" in shown.text and "not known yet" in shown.text
    assert await talk.events(id, "incident.letter") == []
    line = shown.buttons[0].line
    assert not (await talk("Ben", line, kind="button")).ok, "somebody else's preview"
    sent = await talk("Ana", line, kind="button")
    assert sent.ok and "`staff`" in sent.text
    assert "sent already" in (await talk("Ana", line, kind="button")).text
    run = await talk.read(lambda tx: runs.of_incident(tx, id)[-1])
    assert run.playbook == "comms/tell" and "text=<b>We</b> fail over." in run.inputs["values"]
    later = await talk("Ana", "incident tell internal We wait.")
    await talk("Ben", "incident sev sev2 not so bad")
    stale = await talk("Ana", later.buttons[0].line, kind="button")
    assert not stale.ok and "changed since that preview" in stale.text


async def test_what_is_wrong_is_said_and_nothing_goes(talk: Any) -> None:
    id = await talk.declare()
    for line, words in (
        ("tell neighbours x", "customers"), ("tell customers template=nope x", "no template *nope*"),
        ("tell customers template=update_internal x", "for internal"), ("tell executives x", "no mail list for executives"),
        ("tell customers template=odd x", "*cause* (what broke)"), ("tell customers colour=red x", "no *colour*"),
        ("tell customers", "*text*"), ("tell customers list=nope x", "no mail list *nope*"),
    ):  # fmt: skip
        reply = await talk("Ana", f"incident {line}")
        assert not reply.ok and words in reply.text, (line, reply.text)
    assert (
        "because of dust" in (await talk("Ana", 'incident tell customers template=odd cause="because of dust" x')).text
    )
    assert await talk.events(id, "incident.letter", "public.proposed") == []
    await talk.declare("sev1 leak type=security", channel="C43")
    assert "is private" in (await talk("Ana", "incident tell customers x")).text


async def test_a_second_person_releases_what_policy_says(talk: Any) -> None:
    id = await talk.declare()
    shown = await talk("Ana", "incident tell regulator Data were read.")
    assert "somebody else than you" in shown.text
    assert "not sent yet" in (await talk("Ana", shown.buttons[0].line, kind="button")).text
    (asked,) = await talk.read(lambda tx: proposals.every(tx, id))
    own = await talk("Ana", f"incident publish {id} proposal={asked.seq}", kind="button")
    assert not own.ok and "You wrote these words" in own.text
    assert "“Notification" in (await talk("Ben", f"incident publish {id} proposal={asked.seq}", kind="button")).text
    assert "published already" in (await talk("Chi", f"incident publish {id} proposal={asked.seq}", kind="button")).text
    run = await talk.read(lambda tx: runs.of_incident(tx, id)[-1])
    assert (run.playbook, run.inputs["to"]) == ("comms/tell", "office")
    assert not (await talk("Ben", f"incident publish {id} proposal=1")).ok
    assert (await talk.read(lambda tx: incidents.get(tx, id))).open
