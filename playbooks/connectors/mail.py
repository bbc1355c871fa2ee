"""Mail by SMTP (aiosmtplib): one message to one list of the policy, in the words of one of its templates.

Belongs here: the message, its id made from the step that sends it, and at which point of the conversation a silence
means what. Does not belong here: who is on a list and what a template says (policy_sends.py).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP as CRLF
from email.utils import formatdate
from urllib.parse import unquote, urlsplit

import aiosmtplib

from playbooks.connectors.answers import CONNECT_S, READ_S, ServiceRefused, is_loopback, no_answer, short, unreachable
from playbooks.errors import MusterError, Refused, Temporary
from playbooks.host_commands import masked
from playbooks.policy_sends import MailList, Template
from playbooks.reading import hint

PORTS = {"smtp": 587, "smtps": 465}


@dataclass(frozen=True)
class Letter:
    """What would be sent. to: envelope recipients. body: plain text."""

    list: MailList
    template: Template
    subject: str
    body: str

    @property
    def to(self) -> tuple[str, ...]:
        """Who gets it."""
        return self.list.to


@dataclass(frozen=True)
class Taken:
    """What the mail server took. id: Message-ID, refused: recipients it did not take, each with its words."""

    id: str
    refused: Mapping[str, str]


class MailReads:
    """What can be written without being sent. lists, templates: of the policy."""

    vendor = "mail"
    acting = False

    def __init__(self, lists: Mapping[str, MailList], templates: Mapping[str, Template]) -> None:
        self._lists = lists
        self._templates = templates

    def letter(self, to: str, template: str, values: Mapping[str, str]) -> Letter:
        """The message in full. Refused for unknown names, missing values, another audience, or a secret in it."""
        if to not in self._lists:
            raise Refused(f"The policy has no mail list {to}{hint(to, self._lists)}. Nothing was sent.")
        if template not in self._templates:
            near = hint(template, self._templates)
            raise Refused(f"The policy has no template {template}{near}. Nothing was sent.")
        found, text = self._lists[to], self._templates[template]
        if found.audience != text.audience:
            words = f"The template {template} is for {text.audience}, the list {to} for {found.audience}."
            raise Refused(f"{words} Nothing was sent.", todo="Take a template for that audience.")
        for name, value in values.items():
            if masked(str(value)) != str(value) or str(value).startswith(("env://", "secret://")):
                raise Refused(
                    f"The value {name} holds what looks like a secret, and mail never does. Nothing was sent."
                )
        subject, body = text.written(values)
        return Letter(found, text, subject, body)

    def message_id(self, letter: Letter, origin: str) -> str:
        """The same for the same letter of the same origin, so that who gets it twice can tell, or is shown it once.

        origin: what sends it, the same however often it is tried. Other words make another letter.
        """
        parts = [origin, letter.list.name, letter.template.name, letter.subject, letter.body]
        digest = hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]
        return f"<muster.{digest}@{letter.list.from_.rpartition('@')[2]}>"


class Mail(MailReads):
    """What can be sent. url: smtp://user:password@host:port (STARTTLS) or smtps://…; time-outs in seconds."""

    acting = True

    def __init__(
        self,
        url: str,
        lists: Mapping[str, MailList],
        templates: Mapping[str, Template],
        *,
        connect_timeout: float = CONNECT_S,
        read_timeout: float = READ_S,
    ) -> None:
        super().__init__(lists, templates)
        parts = urlsplit(url)
        if parts.scheme not in PORTS or not parts.hostname:
            raise ValueError("SMTP_URL is smtp://user:password@host:587 or smtps://…")
        self._tls = parts.scheme == "smtps"
        self._host, self._port = parts.hostname, parts.port or PORTS[parts.scheme]
        self._user, self._password = unquote(parts.username or ""), unquote(parts.password or "")
        self._local = is_loopback(f"http://{parts.hostname}")
        self._connect_s, self._read_s = connect_timeout, read_timeout

    async def reach(self) -> str:
        """Say hello and leave; the doctor's look. What it said."""
        client = await self._connected()
        client.close()
        return f"{self._host}:{self._port} answers{' and knows us' if self._user else ''}"

    async def send(self, letter: Letter, origin: str) -> Taken:
        """Hand one message over. Refused when no recipient was taken, Uncertain when it was sent and no answer came.

        A mail server removes no doubles: whoever sends twice is read twice. The Message-ID tells which are the same.
        """
        id_ = self.message_id(letter, origin)
        text = _message(letter, id_)
        client = await self._connected()
        try:
            refused = await self._recipients(client, letter.list.from_, letter.to)
            await self._data(client, text)
        finally:
            client.close()
        return Taken(id_, refused)

    async def _connected(self) -> aiosmtplib.SMTP:
        """Connected and signed in. A password is never sent without TLS, unless to this machine."""
        client = aiosmtplib.SMTP(
            hostname=self._host, port=self._port, timeout=self._connect_s, use_tls=self._tls,
            start_tls=False if self._tls else True if self._user and not self._local else None,
        )  # fmt: skip
        await self._said(client.connect, f"{self._host}:{self._port}")
        client.timeout = self._read_s
        if self._user:
            await self._said(lambda: client.login(self._user, self._password), "AUTH")
        return client

    async def _recipients(self, client: aiosmtplib.SMTP, sender: str, to: Sequence[str]) -> dict[str, str]:
        await self._said(lambda: client.mail(sender), "MAIL FROM")
        refused: dict[str, str] = {}
        for one in to:
            try:
                await self._said(lambda one=one: client.rcpt(one), f"RCPT TO {one}")  # type: ignore[misc]
            except Refused as no:
                refused[one] = no.message
        if len(refused) == len(to):
            raise Refused(f"The mail server took no recipient: {'; '.join(refused.values())} Nothing was sent.")
        return refused

    async def _data(self, client: aiosmtplib.SMTP, text: bytes) -> None:
        """From here on a silence may mean that it was taken."""
        failed: MusterError
        try:
            await client.data(text)
        except aiosmtplib.SMTPResponseException as error:
            raise _response(error, "DATA") from None
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            failed = no_answer("The mail server", "DATA", type(error).__name__, write=True)
        else:
            return
        raise failed

    async def _said(self, call: Callable[[], object], what: str) -> None:
        """One exchange before anything was handed over: whatever goes wrong, nothing was sent."""
        failed: MusterError
        try:
            await call()  # type: ignore[misc]
        except aiosmtplib.SMTPResponseException as error:
            failed = _response(error, what)
        except aiosmtplib.SMTPException as error:
            failed = unreachable("The mail server", what, short(str(error)) or type(error).__name__)
        except (OSError, TimeoutError) as error:
            failed = unreachable("The mail server", what, short(str(error)) or type(error).__name__)
        else:
            return
        raise failed  # out here, so that it keeps no password alive


def _response(error: aiosmtplib.SMTPResponseException, what: str) -> MusterError:
    """4xx: later; 5xx: no. Nothing was sent."""
    words = f"The mail server said {error.code} to {what}: {short(str(error.message))}."
    if 400 <= error.code < 500:
        return Temporary(f"{words} Nothing was sent.")
    todo = "Check SMTP_URL." if error.code in (530, 534, 535, 538) else ""
    return ServiceRefused("mail", str(error.code), f"{words} Nothing was sent.", todo=todo)


def _message(letter: Letter, id_: str) -> bytes:
    message = EmailMessage(policy=CRLF)
    message["From"] = letter.list.from_
    private = letter.list.audience == "customers" or len(letter.to) > 20
    message["To"] = "undisclosed-recipients:;" if private else ", ".join(letter.to)
    if letter.list.reply_to:
        message["Reply-To"] = letter.list.reply_to
    message["Subject"] = letter.subject
    message["Date"] = formatdate()
    message["Message-ID"] = id_
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.body)
    return message.as_bytes()
