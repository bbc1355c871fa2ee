"""SMTP on the wire: at which point a silence means what, recipients that are refused, passwords that stay."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from playbooks.connectors.mail import Letter, Mail
from playbooks.errors import Refused, Temporary, Uncertain
from playbooks.policy_sends import MailList, Template
from tests.patience import CONNECT_S, READ_S

TEMPLATE = Template(name="t", audience="internal", subject="Größe", body="Hallo ☕\n.\nend")


def letter(*to: str) -> Letter:
    found = MailList(**{"name": "l", "title": "l", "audience": "internal", "to": to, "from": "muster@example.com"})
    return Letter(found, TEMPLATE, *TEMPLATE.written({}))


def mail(url: str) -> Mail:
    return Mail(url, {}, {}, connect_timeout=CONNECT_S, read_timeout=READ_S)


async def test_some_recipients_are_refused_and_text_arrives_as_written(env: dict[str, str], sb: SandboxClient) -> None:
    one = mail(env["SMTP_URL"])
    taken = await one.send(letter("a@example.com", "nobody@example.com", "b@example.com"), "k")
    (kept,) = await sb.get("mail")
    assert list(taken.refused) == ["nobody@example.com"] and kept["to"] == ["a@example.com", "b@example.com"]
    assert (kept["subject"], kept["body"].replace("\r", "")) == ("Größe", "Hallo ☕\n.\nend\n") and kept[
        "id"
    ] == taken.id
    assert taken.id == one.message_id(letter("a@example.com"), "k") != one.message_id(letter("a@example.com"), "k2")
    with pytest.raises(Refused, match=r"took no recipient.*550"):
        await one.send(letter("nobody@example.com"), "k")
    assert len(await sb.get("mail")) == 1 and "answers" in await one.reach()


@pytest.mark.parametrize(
    ("verb", "mode", "error"),
    [
        ("MAIL", "reset", Temporary), ("RCPT", "timeout_before", Temporary), ("DATA", "reset", Uncertain),
        ("DATA", "timeout_after", Uncertain), ("DATA", "error:452 4.3.1 full", Temporary),
        ("DATA", "error:552 5.3.4 too big", Refused), ("MAIL", "error:530 5.7.0 sign in first", Refused),
    ],
)  # fmt: skip
async def test_only_after_the_text_was_given_is_a_silence_uncertain(
    env: dict[str, str], sb: SandboxClient, verb: str, mode: str, error: type[Exception]
) -> None:
    await sb.fail("mail", verb, mode)
    with pytest.raises(error):
        await mail(env["SMTP_URL"]).send(letter("a@example.com"), "k")


async def test_nobody_there_and_no_password_without_tls(env: dict[str, str], closed_port: int, sandbox: Any) -> None:
    with pytest.raises(Temporary, match="could not be reached"):
        await mail(f"smtp://127.0.0.1:{closed_port}").send(letter("a@example.com"), "k")
    remote = mail(f"smtp://user:hunter22@localhost.example:{sandbox.mail.port}")
    assert remote._local is False
    remote._host = "127.0.0.1"  # somewhere else that offers no STARTTLS: the password stays here
    with pytest.raises((Refused, Temporary)) as caught:
        await remote.reach()
    assert "hunter22" not in str(caught.value)
    local = mail(f"smtp://user:hunter22@127.0.0.1:{sandbox.mail.port}")
    with pytest.raises((Refused, Temporary)) as unknown:  # the stand-in knows no users
        await local.reach()
    assert "hunter22" not in str(unknown.value)
    for url in ("http://a", "smtp://", "a:25"):
        with pytest.raises(ValueError, match="SMTP_URL"):
            mail(url)
