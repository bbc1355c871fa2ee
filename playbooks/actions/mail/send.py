"""`mail.send`: one message to a list, in the words of a template."""

from __future__ import annotations

from typing import Any

from pydantic import Field, field_validator

from playbooks.action import Act, Action, Again, Answer, Found, Outputs, Park, Plan, Risk, World, action
from playbooks.actions.reading_first import ask, note, released, wanted
from playbooks.connectors.mail import Letter, Mail, MailReads


class Sent(Outputs):
    """What was handed to the mail server."""

    to: str = Field(description="The list")
    subject: str = Field(description="Its subject")
    message_id: str = Field(description="Its Message-ID: the same whenever this step sends these words")
    recipients: int = Field(description="How many the mail server took")
    refused: list[str] = Field(default=[], description="Recipients it did not take, in its words")


@action("mail.send", risk=Risk.WRITE, again=Again.NEVER, needs=("mail:send",), result=Sent)
class Send(Action):
    """Send mail to a list

    Example: {uses: mail.send, with: {to: responders, template: dr_activation_internal, values: {incident: INC-42}}}

    Template and list must be for the same audience; the plan shows the whole text. A mail server cannot be asked, so
    after a lost answer it is not sent again by itself. A person looks for the Message-ID; when they have it sent again
    it carries the same one, which most mailboxes and lists show once. Where the list says `second_person` and a person
    asked for the playbook, somebody else reads the letter first.
    """

    to: str = Field(description="A name from the policy's `mail_lists`", min_length=1)
    template: str = Field(description="A name from the policy's `templates`", min_length=1)
    values: dict[str, str | int | float] = Field(
        default={}, description="What the template needs, by name; or a list of `name=value`"
    )

    @field_validator("values", mode="before")
    @classmethod
    def _pairs(cls, given: Any) -> Any:
        """A playbook's input is a list of texts: each names its value before the first `=`."""
        if not isinstance(given, list):
            return given
        if wrong := [one for one in given if "=" not in str(one)]:
            raise ValueError(f"{wrong[0]!r} is not written name=value")
        return dict(str(one).split("=", 1) for one in given)

    why_no_undo = "It has been read; send a correction."

    async def plan(self, world: World) -> Plan:
        """The whole text, and to whom it would go."""
        letter = self._letter(world)
        shown = f"to {self.to} ({len(letter.to)} {'address' if len(letter.to) == 1 else 'addresses'})"
        return Plan(
            targets=(f"mail:{self.to}",),
            effect=f"Mail “{letter.subject}” {shown}:\n{letter.body[:1500]}",
            warnings=("Mail cannot be taken back.", *note(wanted(world, letter.list.second_person))),
        )

    async def run(self, act: Act) -> Sent | Park:
        """Hand it over; where policy says so, once somebody else has read it."""
        letter = self._letter(act)
        if wanted(act, letter.list.second_person):
            return ask(f"{letter.list.title} by mail", f"{letter.subject}\n\n{letter.body}")
        return await self._hand_over(act, letter)

    async def resume(self, act: Act, answer: Answer | None) -> Sent | Park:
        """Somebody else read it, or has not yet."""
        letter = self._letter(act)
        if not released(answer):
            return ask(f"{letter.list.title} by mail", f"{letter.subject}\n\n{letter.body}")
        return await self._hand_over(act, letter)

    async def _hand_over(self, act: Act, letter: Letter) -> Sent:
        taken = await act.use(Mail).send(letter, _origin(act))
        return Sent(to=self.to, subject=letter.subject, message_id=taken.id,
                    recipients=len(letter.to) - len(taken.refused), refused=list(taken.refused.values()))  # fmt: skip

    async def reconcile(self, world: World) -> Found:
        """Cannot be seen from outside; says by which id people can find it."""
        id_ = world.use(MailReads).message_id(self._letter(world), _origin(world))
        what = f"A mail server cannot be asked. Look for {id_} in its log or in the list's mailbox."
        return Found(None, f"{what} A retry sends it with the same id; skip the step when it is there.")

    def _letter(self, world: World) -> Letter:
        return world.use(MailReads).letter(self.to, self.template, {k: str(v) for k, v in self.values.items()})

    def say(self, done: Sent) -> str:
        """Subject and list."""
        missed = f"; not taken: {'; '.join(done.refused)}" if done.refused else ""
        return f"mail “{done.subject}” to {done.to} ({done.recipients}){missed}"


def _origin(world: World) -> str:
    """The step, not its attempt: a retry a person asks for is the same letter."""
    return world.where.step or world.key
