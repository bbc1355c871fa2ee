"""`/playbook cli`: let a terminal speak for oneself (`muster login`), or end that."""

from __future__ import annotations

from typing import Annotated

from commands.command import Button, Call, Command, Reply, command
from commands.fields import Arg
from commands.words import clock, esc
from playbooks import step_up
from playbooks.errors import Refused
from storage import credentials, people
from storage.credentials import read_pairing


@command(
    "playbook cli",
    group="Prove it is you",
    examples=("playbook cli ABCD-EFGK code=123456", "playbook cli revoke", "playbook cli"),
    fresh=True,
)
class Cli(Command):
    """Let your terminal speak for you, for when Slack does not answer

    `muster login` shows a code; say it here. `revoke` ends all of your terminals at once; alone it lists them.
    """

    pairing: Annotated[str, Arg("word", "the code that `muster login` shows, or revoke")] = ""
    code: Annotated[str, Arg("code", "the six digits your app shows now", keyed=True)] = ""

    def act(self, call: Call, seen: None) -> Reply:
        """List, revoke or allow."""
        if not self.pairing:
            return Reply(text=self._listed(call))
        if self.pairing.lower() == "revoke":
            mine = credentials.of_person(call.tx, call.person)
            for one in mine:
                credentials.revoke(call.tx, one.id, call.person)
            return Reply(text=f"Ended: {len(mine)}. No terminal speaks for you any more.")
        return self._allow(call)

    def _allow(self, call: Call) -> Reply:
        if call.ask.account_kind == people.CLI:
            raise Refused("A terminal cannot let another one in.", todo="Type it in Slack.")
        pairing = read_pairing(self.pairing)
        if pairing is None:
            raise Refused("That is no code of `muster login`.", todo="It looks like ABCD-EFGK; look again.")
        if not self.code:
            ask = Button(label="Enter my code", line=f"playbook cli {pairing}", style="primary", asks="code")
            return Reply(text="This needs a one-time code of yours. Nothing was done yet.", ok=False, buttons=(ask,))
        step_up.take(call.tx, call.person, self.code, call.ask.key)
        if credentials.allow(call.tx, call.person, pairing) is None:
            raise Refused("That code was used before.", todo="`muster login` makes a new one.")
        return Reply(
            text="✅ The terminal that shows this code speaks for you from now on, each time with a code of yours. "
            "Was it not you who started `muster login`? `/playbook cli revoke` ends it."
        )

    def _listed(self, call: Call) -> str:
        mine = [
            f"• {esc(one.label)} until {clock(one.expires_at, call.tx.now)} UTC" if one.claimed else "• not claimed yet"
            for one in credentials.of_person(call.tx, call.person)
        ]
        return "\n".join(mine) or "No terminal speaks for you. `muster login` begins."
