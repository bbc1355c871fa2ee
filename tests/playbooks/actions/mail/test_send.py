"""`mail.send`: the whole text beforehand, once, and honest about a lost answer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from playbooks.action import Again, Answer, Park, Risk, Where
from playbooks.actions.mail.send import Send
from playbooks.connectors.mail import Mail
from playbooks.errors import Refused, Temporary, Uncertain
from playbooks.policy import load_policy
from tests.patience import CONNECT_S, READ_S

EXAMPLE = Path(__file__).resolve().parents[4] / "muster.example.yaml"
VALUES = {
    "service": "Checkout",
    "status": "Payments are delayed.",
    "eta": "it is over by 15:00",
    "url": "https://status.example.com",
}
STEP = Send(to="customers", template="dr_activation", values=VALUES)


@pytest.fixture
async def mail(env: dict[str, str]) -> AsyncIterator[Mail]:
    policy = load_policy(EXAMPLE)
    yield Mail(env["SMTP_URL"], policy.mail_lists, policy.templates, connect_timeout=CONNECT_S, read_timeout=READ_S)


async def test_people_see_what_will_be_sent_and_it_is_sent(world: Any, act: Any, mail: Mail, sb: SandboxClient) -> None:
    plan = await STEP.plan(world(mail))
    assert plan.effect.startswith("Mail “Service disruption: Checkout” to customers (1 address):\nDear customers,")
    assert "it is over by 15:00" in plan.effect and (Send.risk, Send.again) == (Risk.WRITE, Again.NEVER)
    done = await STEP.run(act(mail))
    (kept,) = await sb.get("mail")
    assert kept["id"] == done.message_id and kept["to"] == ["customers@lists.example.com"] and done.recipients == 1
    assert kept["header_to"] == "undisclosed-recipients:;" and kept["reply_to"] == "support@example.com"
    assert kept["subject"] == "Service disruption: Checkout" and "Payments are delayed." in kept["body"]
    assert STEP.say(done) == "mail “Service disruption: Checkout” to customers (1)"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"to": "custmers"}, "no mail list custmers.*customers"),
        ({"template": "nothing"}, "no template nothing"),
        ({"to": "responders"}, "is for customers, the list responders for internal"),
        ({"values": {**VALUES, "eta": ""}}, "needs eta"),
        ({"values": {**VALUES, "eta": "password=hunter22"}}, "eta holds what looks like a secret"),
        ({"values": {**VALUES, "url": "env://CHECKOUT_DSN"}}, "url holds what looks like a secret"),
    ],
)
async def test_it_refuses_and_nothing_is_sent(
    world: Any, act: Any, mail: Mail, sb: SandboxClient, change: dict[str, Any], words: str
) -> None:
    step = STEP.model_copy(update=change)
    for call in (step.plan(world(mail)), step.run(act(mail))):
        with pytest.raises(Refused, match=words):
            await call
    assert await sb.get("mail") == []


async def test_a_retry_is_the_same_letter_and_other_words_or_another_step_are_not(
    world: Any, act: Any, mail: Mail, sb: SandboxClient
) -> None:
    def attempt(number: int, step: str = "INC-42/1 tell") -> Any:
        one = act(mail, key=f"muster:INC-42/1:1:{number}")
        one.where = Where(step, Risk.WRITE)
        return one

    await sb.fail("mail", "DATA", "close_after")
    with pytest.raises(Uncertain):
        await STEP.run(attempt(1))
    again = await STEP.run(attempt(2))
    first, second = await sb.get("mail")
    assert first["id"] == second["id"] == again.message_id, "mailboxes that look at it show it once"
    looked = attempt(1)
    assert again.message_id in (await STEP.reconcile(looked)).evidence
    other = STEP.model_copy(update={"values": {**VALUES, "status": "Payments work again."}})
    ids = {(await other.run(attempt(3))).message_id, (await STEP.run(attempt(1, "INC-42/2 tell"))).message_id}
    assert len(ids | {again.message_id}) == 3


async def test_a_lost_answer_is_never_repeated(world: Any, act: Any, mail: Mail, sb: SandboxClient) -> None:
    for mode in ("timeout_after", "close_after"):
        await sb.fail("mail", "DATA", mode)
        with pytest.raises(Uncertain):
            await STEP.run(act(mail))
    found = await STEP.reconcile(world(mail))
    kept = await sb.get("mail")
    assert found.happened is None and {one["id"] for one in kept} == {kept[0]["id"]} and kept[0]["id"] in found.evidence
    for verb, mode, error in [("MAIL", "close_after", Temporary), ("DATA", "429", Temporary), ("DATA", "500", Refused)]:
        await sb.fail("mail", verb, mode)
        with pytest.raises(error, match=r"."):
            await STEP.run(act(mail))
    assert len(await sb.get("mail")) == 2


async def test_somebody_else_reads_it_first_where_the_list_says_so(act: Any, mail: Mail, sb: SandboxClient) -> None:
    careful = mail._lists["customers"].model_copy(update={"second_person": True})
    mail._lists = {**mail._lists, "customers": careful}
    one = act(mail)
    assert not isinstance(await STEP.run(one), Park), "a letter that was released on its card"
    one.scope = {"run": {"by_hand": True}}
    for asked in (await STEP.run(one), await STEP.resume(one, None)):
        assert isinstance(asked, Park) and asked.question is not None and asked.question.another
        assert asked.question.shown.startswith("Service disruption: Checkout\n\nDear customers,")
    with pytest.raises(Refused, match="said no"):
        await STEP.resume(one, Answer(person="P-B", choice="no", text=""))
    assert len(await sb.get("mail")) == 1
    assert not isinstance(await STEP.resume(one, Answer(person="P-B", choice="publish", text="")), Park)
    assert len(await sb.get("mail")) == 2
