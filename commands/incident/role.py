"""`/incident role`: who wears which hat."""

from __future__ import annotations

from typing import Annotated

from commands.command import Call, Reply, command
from commands.fields import Arg
from commands.house import House
from commands.kinds import ME, NOBODY
from commands.places import InIncident, bare
from commands.starting import try_start
from commands.timers import settle
from commands.words import esc, lines, safe
from playbooks.errors import Refused
from storage import incidents, people
from storage.inbox import Ask


@command(
    "incident role",
    who="declare",
    group="While it goes on",
    place="incident",
    examples=("incident role commander me", "incident role commander @ben the replica is behind, wait for 14:40"),
)
class Role(InIncident):
    """Give somebody a role, take it yourself (`me`), or hand it back (`nobody`)

    What stands behind is what they should know: it is told to them and kept.
    """

    role: Annotated[str, Arg("role", "which hat")]
    person: Annotated[str, Arg("person", "a mention such as @ben")]
    note: Annotated[str, Arg("rest", "what the next one should know")] = ""

    @classmethod
    def form(cls, ask: Ask) -> bool:
        """`/incident role` alone."""
        return bare(ask)

    async def before(self, ask: Ask, house: House) -> None:
        """Look at a mentioned account nobody has seen yet: a guest or a bot is given no role."""
        if self.person in (ME, NOBODY) or ask.account_kind != "slack":
            return
        account = f"{ask.account.rpartition('/')[0]}/{self.person}"
        if await house.db.read(lambda tx: house.directory.person_by_slack(tx, account)) is None:
            await house.directory.refresh_account("slack", account)

    def act(self, call: Call, seen: None) -> Reply:
        """The entry, then the run that brings the person in and tells them."""
        found, role = call.here, call.house.policy.role(self.role)
        if self.person == NOBODY:
            before = incidents.drop_role(call.tx, found.id, role.name, by=call.person, note=self.note)
            name = esc(call.house.directory.name(call.tx, before.person))
            return Reply(text=f"*{found.id}*: {name} is no longer *{esc(role.title)}*; nobody is.")
        person, slack = self._person(call)
        was = incidents.set_role(call.tx, found.id, role.name, person, by=call.person, note=self.note)
        name = esc(call.house.directory.name(call.tx, person))
        after = ""
        if was and was.person != person:
            after = f" (after {esc(call.house.directory.name(call.tx, was.person))})"
        said = f"{call.house.directory.name(call.tx, call.person)}: “{self.note}”" if self.note else ""
        given = {"person": slack, "role": role.title, "duties": "; ".join(role.duties), "note": said}
        run, problem = (
            try_start(call, "role/assign", given, found) if slack else (None, "no Slack account of theirs is known")
        )
        if run:
            settle.arm(call.tx, run, quiet=True)
        told = f"⚠️ They were not told by Muster: {safe(problem)}" if problem else ""
        return Reply(text=lines(f"🎩 *{name}* is *{esc(role.title)}* of *{found.id}*{after}.", told))

    def _person(self, call: Call) -> tuple[str, str]:
        """(person, Slack id). Only somebody the directory has found: an account nobody knows could not be told."""
        directory, tx = call.house.directory, call.tx
        if self.person == ME:
            return call.person, directory.slack_id(tx, call.person) or ""
        person = directory.person_by_slack(tx, self.person)
        team = call.ask.account.rpartition("/")[0]
        unseen = person is None and people.account(tx, "slack", f"{team}/{self.person}") is None
        if unseen and call.ask.account_kind == "slack":
            raise Refused(
                f"Slack does not know who <@{self.person}> is, or does not say so now. Nothing was changed.",
                todo="Pick the name from Slack's list: `/incident role commander @ben`; else try again in a moment.",
            )
        if person is None:
            raise Refused(
                f"<@{self.person}> is nobody Muster can give a role to (a guest, a bot, or of another workspace). "
                "Nothing was changed.",
                todo="Name a full member of this workspace: `/incident role commander @ben`",
            )
        return person, self.person
