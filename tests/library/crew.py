"""The people of a stage: Ana asks, the others approve what is held and answer what is asked, through the real rows.

Belongs here: who there is and what they say. Does not belong here: when they are asked (stage.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.sandbox import Sandbox
from bot.sandbox.world import TEAM
from playbooks.directory import Person
from playbooks.engine.answering import answer
from playbooks.engine.engine import Engine
from playbooks.engine.spending import covered
from playbooks.engine.voting import vote
from playbooks.errors import Refused
from playbooks.policy import Policy
from storage import factors, people, runs
from storage.db import Database, Tx

ANA = "ana"  # asks for everything, and so approves nothing
ROLES = {"commander": "ben", "tech_lead": "chi", "comms_lead": "dov"}
SEEN = "seen with our own eyes"


class Crew:
    """Everybody of the workspace. persons: first name -> opaque id. denies: they say no to what has one of these steps."""

    def __init__(self, sandbox: Sandbox, db: Database, policy: Policy, engine: Engine) -> None:
        self.sandbox, self.db, self.policy, self.engine = sandbox, db, policy, engine
        self.persons: dict[str, str] = {}
        self.denies: set[int] = set()

    def actor(self, name: str) -> Person:
        """Somebody, as dispatch would name them."""
        groups = frozenset(group for group, one in self.policy.groups.items() if name in one.people)
        administers = set(self.policy.permissions.administer) & groups
        return Person(
            "slack", f"{TEAM}/U0{name.upper()}", self.persons[name], name.title(), "", groups, bool(administers)
        )

    def seed(self, tx: Tx) -> None:
        """Every full member of the workspace, enrolled for one-time codes."""
        for user in self.sandbox.world.users.values():
            if user.team == TEAM and not (user.is_bot or user.deleted or user.is_restricted or user.id == "USLACKBOT"):
                account = people.believe(
                    tx, "slack", f"{TEAM}/{user.id}", state=people.MEMBER, name=user.real_name, email=user.email
                )
                assert account.person
                self.persons[user.name] = account.person
                factors.offer(tx, account.person, "sealed")
                factors.confirm(tx, account.person)
        self.believe(tx)

    def believe(self, tx: Tx) -> None:
        """Who is in which group, as the directory would have looked it up just now."""
        world = self.sandbox.world
        known = {f"U0{name.upper()}": id for name, id in self.persons.items()}
        for name, group in self.policy.groups.items():
            handle = world.group_named(group.slack) if group.slack else None
            slack = handle.users if handle else []
            named = [f"U0{one.upper()}" if one in self.persons else one for one in group.people]
            seen = {"slack": [known[u] for u in slack if u in known], "policy": [known[u] for u in named if u in known]}
            people.set_group(tx, name, {source: persons for source, persons in seen.items() if persons})

    async def decide(self, run: str) -> None:
        """Everybody but Ana votes on what the run is held for, until that decides it."""
        asked = await self.db.read(lambda tx: runs.open_approval(tx, run))
        if asked is None or asked.state != "open":
            return
        for name in [one for one in self.persons if one != ANA]:
            if await self.db.write(lambda tx: self._cast(tx, run, asked, name)) != "open":
                return
        raise AssertionError(f"nobody here can approve {asked.id}: {asked.rule}")

    def _cast(self, tx: Tx, run: str, asked: runs.Approval, name: str) -> str:
        """One vote, with a one-time code; how the approval stands after it."""
        self.believe(tx)
        denies = not self.denies.isdisjoint(covered(asked))
        key = f"ask-{name}-{asked.id}"
        proof = factors.prove(tx, self.persons[name], "totp", key)
        vote(
            tx, self.engine, run=run, digest=asked.digest, actor=self.actor(name),
            choice="deny" if denies else "approve", via="test", reason="as the play says", proof=proof, ask=key,
        )  # fmt: skip
        now = runs.approval(tx, asked.id)
        assert now is not None
        return now.state

    async def reply(self, step: runs.Step, told: Any) -> None:
        """Whoever may answers a step's question: a choice, (choice, words) or the values of a form as typed.

        The items of a checklist are all ticked, and waiting for a time is cut short, without being told so.
        """
        question = step.question or {}
        if question.get("items"):
            for number, item in enumerate(question["items"], 1):
                if item["state"] == "open":
                    await self._say(step, choice=str(number), text=f"done {SEEN}")
            return
        if told is None and list(question.get("choices", ())) == ["go-on"]:
            told = "go-on"
        assert told is not None, f"step {step.id} asks “{question.get('text')}”, and the entry's answers do not say"
        if isinstance(told, Mapping):
            await self._say(step, values=told, text=SEEN)
            return
        choice, text = told if isinstance(told, tuple) else (told, SEEN)
        await self._say(step, choice=choice, text=text)

    async def _say(self, step: runs.Step, **said: Any) -> None:
        """Everybody says it, the ones most likely asked first, until it is recorded from as many as it takes."""
        first = [ROLES.get(str((step.question or {}).get("who")), ROLES["commander"]), *ROLES.values()]
        refused = []
        for name in dict.fromkeys([*first, *self.persons]):
            try:
                words = await self.db.write(lambda tx: self._answer(tx, step, name, said))
            except Refused as no:
                raise AssertionError(f"step {step.id} does not take {said}: {no}") from None
            if not words.ok:
                refused.append(words.text)
            elif not words.text.rstrip(".").endswith("say the same"):
                return
        raise AssertionError(f"nobody here may answer step {step.id}: {refused}")

    def _answer(self, tx: Tx, step: runs.Step, name: str, said: Mapping[str, Any]) -> Any:
        self.believe(tx)
        return answer(tx, self.engine, run=step.run, step=str(step.idx), actor=self.actor(name), **said)
