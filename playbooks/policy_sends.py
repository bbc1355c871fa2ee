"""The sections of muster.yaml about what is sent outside: mail lists, templates, webhooks.

Belongs here: their typed shapes and turning a template into text. Does not belong here: sending (connectors/mail.py,
connectors/http.py), first drafts of status updates (`texts`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Literal

from jinja2 import StrictUndefined, TemplateError, meta
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import Field, field_validator, model_validator

from playbooks.errors import Refused
from playbooks.policy_sections import Address, Section
from playbooks.secrets import SecretRef

Audience = Literal["internal", "customers", "executives", "regulator"]
MAIL = re.compile(r"[^\s@<>,;\"]{1,64}@[^\s@<>,;\"]{1,255}", re.ASCII)
MOST = 20_000


class MailList(Section):
    """Who gets mail. audience: for whom it is; only templates for that audience go there. from: the sender's address.

    Customers never see each other's addresses. second_person: what people write for it is sent by somebody
    else than who wrote it.
    """

    name: str = ""
    title: str
    audience: Audience
    to: tuple[str, ...] = Field(min_length=1)
    from_: str = Field(alias="from")
    reply_to: str | None = None
    second_person: bool = False

    @field_validator("to", "from_", "reply_to")
    @classmethod
    def _addresses(cls, value: str | tuple[str, ...] | None) -> Any:
        for one in (value,) if isinstance(value, str) else value or ():
            if not MAIL.fullmatch(one):
                raise ValueError(f"{one!r} is no mail address")
        return value


class Template(Section):
    """A text with values put in: `{{ eta }}`. values: name -> what it means; all of them must be given.

    Jinja2 in its sandbox, where an unknown name is an error and not an empty place.
    """

    name: str = ""
    title: str = ""
    audience: Audience
    subject: str
    body: str
    values: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _readable(self) -> Template:
        try:
            used = set().union(*(meta.find_undeclared_variables(_JINJA.parse(t)) for t in (self.subject, self.body)))
        except TemplateError as error:
            raise ValueError(f"cannot be read: {error.message}") from None
        if "\n" in self.subject.strip():
            raise ValueError("a subject is one line")
        if unknown := sorted(used - {*self.values}):
            raise ValueError(f"uses {', '.join(unknown)}, which is not among its values")
        if unused := sorted({*self.values} - used):
            raise ValueError(f"does not use its value {', '.join(unused)}")
        return self

    def written(self, values: Mapping[str, Any]) -> tuple[str, str]:
        """Subject (one line) and body. Raises Refused for a value that is missing, empty or not of the template."""
        missing = sorted(name for name in self.values if values.get(name) is None or not str(values[name]).strip())
        if missing:
            named = ", ".join(f"{name} ({self.values[name]})" for name in missing)
            raise Refused(f"The template {self.name} needs {named}. Nothing was sent.")
        if unknown := sorted({*values} - {*self.values}):
            raise Refused(f"The template {self.name} has no {', '.join(unknown)}. Nothing was sent.",
                          todo=f"Its values: {', '.join(self.values) or 'none'}.")  # fmt: skip
        try:
            subject, body = (_compiled(text).render(dict(values)) for text in (self.subject, self.body))
        except TemplateError as error:
            raise Refused(f"The template {self.name} cannot be written: {error.message}. Nothing was sent.") from None
        if len(body) > MOST:
            raise Refused(f"What the template {self.name} makes of this is longer than {MOST} characters.")
        return " ".join(subject.split())[:250], body.strip() + "\n"


class Webhook(Section):
    """An address JSON may be posted to. auth: a secret put into `header` as it is ("Bearer …" and the like).

    key_header: carries our key. keyed: the receiver promises to act once per key, so a lost answer is simply asked
    again; without it, what became of a lost answer cannot be told.
    """

    name: str = ""
    title: str
    url: Address = Field(pattern=r"^https?://")
    auth: SecretRef | None = None
    header: str = Field(default="Authorization", pattern=r"^[A-Za-z][A-Za-z0-9-]{1,60}$")
    key_header: str = Field(default="Idempotency-Key", pattern=r"^[A-Za-z][A-Za-z0-9-]{1,60}$")
    keyed: bool = False


def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, autoescape=False, trim_blocks=True, lstrip_blocks=True
    )
    environment.globals.clear()
    return environment


_JINJA = _environment()


@lru_cache(maxsize=256)
def _compiled(text: str) -> Any:
    return _JINJA.from_string(text)
