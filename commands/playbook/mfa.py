"""`/playbook mfa`: one-time codes of one's own: set up in a form only its owner sees, turned off, reset by two."""

from __future__ import annotations

from typing import Annotated

from commands.command import Button, Call, Command, Reply, command
from commands.deciding import asked, mentioned
from commands.fields import Arg
from commands.house import House
from commands.words import clock, safe
from playbooks import step_up
from playbooks.engine.decisions import reset_factor
from playbooks.errors import Refused
from storage import factors
from storage.inbox import Ask


@command(
    "playbook mfa",
    group="Prove it is you",
    examples=("playbook mfa", "playbook mfa off code=123456", "playbook mfa reset @ben"),
)
class Mfa(Command):
    """Set up one-time codes, which approving may ask for

    Alone it opens a form with a picture for your authenticator app. `off` takes a code. Who lost the phone is helped by
    `reset`: an administrator and one other person confirm it.
    """

    what: Annotated[str, Arg("choice", "off or reset; nothing sets them up", choices=("off", "reset"))] = ""
    person: Annotated[str, Arg("person", "whose codes are reset")] = ""
    code: Annotated[str, Arg("code", "the six digits your app shows now", keyed=True)] = ""

    @classmethod
    def form(cls, ask: Ask) -> bool:
        """Alone it opens the form."""
        return len(ask.line.split()) == 2

    async def before(self, ask: Ask, house: House) -> None:
        """Before a reset, look at who asks: asking may be a yes."""
        if self.what == "reset":
            await house.directory.refresh_for_vote(house.policy, (), (ask.account_kind, ask.account))

    def act(self, call: Call, seen: None) -> Reply:
        """Confirm the first code, turn off, or ask two others."""
        if self.what == "reset":
            whose = mentioned(call, self.person or "me")
            house = call.house.engine.house
            return asked(call, reset_factor.ask(call.tx, house, person=whose, asked_by=call.person))
        if self.what == "off":
            step_up.take(call.tx, call.person, self.code, call.ask.key)
            factors.revoke(call.tx, call.person, call.person)
            return Reply(text="Your one-time codes are off; delete the entry in your app. `/playbook mfa` starts anew.")
        if self.code:
            return self._confirm(call)
        return Reply(text=self._stands(call))

    def _confirm(self, call: Call) -> Reply:
        try:
            step_up.confirm(call.tx, call.person, self.code, call.ask.key)
        except Refused as no:  # what was scanned stays good: a new form would make a new key
            again = Button(label="Enter a code again", line="playbook mfa", asks="code")
            return Reply(text=safe(str(no)), ok=False, buttons=(again,))
        return Reply(
            text="✅ Your one-time codes are set up. Where policy asks for one, take what your app shows then."
        )

    def _stands(self, call: Call) -> str:
        found = factors.get(call.tx, call.person)
        if found is None or found.state != factors.ACTIVE or found.confirmed_at is None:
            raise Refused("You have no one-time codes set up.", todo="Type `/playbook mfa` in Slack: it opens a form.")
        since = clock(found.confirmed_at, call.tx.now)
        return f"Your one-time codes are set up since {since} UTC. `/playbook mfa off code=…` turns them off."
