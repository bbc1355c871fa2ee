"""`/incident publish`: put words on the public status page, or let a second person's words go."""

from __future__ import annotations

from typing import Annotated

from commands.command import Call, Reply, command
from commands.fields import Arg
from commands.letters import PLAYBOOK, RELEASES, inputs_of
from commands.places import InIncident
from commands.starting import start
from commands.timers import settle
from commands.words import channel_of, esc, joined
from playbooks.engine.scope import incident_scope
from playbooks.errors import Refused
from storage import cards, incidents, people, proposals
from storage.incidents import Incident
from storage.proposals import OPEN, Proposal


@command(
    "incident publish", who="declare", group="While it goes on", place="incident", examples=("incident publish INC-42",)
)
class Publish(InIncident):
    """Publish the prepared status page incident

    Where policy wants a second person (`second_person`), the first press shows the words on a card, and somebody else's
    press of its button publishes them. The same button releases updates and letters that wait.
    """

    proposal: Annotated[int, Arg("number", "which words that wait (their event)", keyed=True)] = 0

    def act(self, call: Call, seen: None) -> Reply:
        """Once, never for a private incident; subscribers are told, which cannot be taken back."""
        found = incidents.get(call.tx, call.here.id, lock=True) or call.here
        if self.proposal:
            return self._release(call, found)
        self._may(found)
        if page := found.facts.get("status_page_url") or found.facts.get("status_page_incident"):
            raise Refused(f"{found.id} is on the status page already: {page}", todo="`/incident update …` updates it.")
        if call.house.policy.severity(found.severity).status_page.second_person:
            return self._propose(call, found)
        return self._publish(call, found)

    def _may(self, found: Incident) -> None:
        if found.private or found.kind == "drill":
            raise Refused(f"{found.id} is {'private' if found.private else 'a drill'}: it is never published.")
        if not found.open:
            raise Refused(f"{found.id} was {found.status}: it is not published any more. Nothing was published.",
                          todo=f"`/incident reopen incident={found.id} <why>` if it is back.")  # fmt: skip

    def _publish(self, call: Call, found: Incident) -> Reply:
        run = start(call, "comms/publish", {}, found)
        cards.want(call.tx, "status_page", found.id, found.id)
        settle.arm(call.tx, run)
        return Reply(text=f"🌐 Publishing *{found.id}* on the status page … subscribers are told.")

    def _propose(self, call: Call, found: Incident) -> Reply:
        """The first of two: these very words wait. Somebody else who presses the draft's button agrees to them."""
        title, body = _prepared(call, found)
        waiting = [one for one in proposals.every(call.tx, found.id) if one.what == "page" and one.state == OPEN]
        same = next((one for one in waiting if (one.subject, one.text) == (title, body)), None)
        if same:
            return Publish(proposal=same.seq).act(call, None)
        proposals.redraw(call.tx, found.id)
        seq = proposals.propose(
            call.tx, found.id, "page", by=call.person, draft=call.ask.key, subject=title, text=body,
            status=call.house.policy.severity(found.severity).status_page.status,
        )  # fmt: skip
        releases = RELEASES.format(where=channel_of(found))
        return Reply(text=f"🔐 *{found.id}* is *not published yet* (event {seq}). {releases}")

    def _release(self, call: Call, found: Incident) -> Reply:
        words = proposals.get(call.tx, found.id, self.proposal)
        if words is None:
            raise Refused(f"Event {self.proposal} of {found.id} holds no words that wait. Nothing was published.",
                          todo="Press the button of the newest card, or `/incident publish` begins anew.")  # fmt: skip
        if words.state != OPEN:
            gone = "published already" if words.state == proposals.RELEASED else "replaced by newer words"
            raise Refused(f"Those words were {gone}. Nothing was published again.")
        if words.by == call.person:
            raise Refused(
                "You wrote these words, and policy wants somebody else to read them first (`second_person`). "
                f"Nothing was published.{_who_can(call, found, words)}"
            )
        if words.erased:
            raise Refused("Some of those words were erased from the record. Nothing was published.",
                          todo="Write them again.")  # fmt: skip
        if words.what == "mail":
            run = start(call, PLAYBOOK, inputs_of(words.to, words.template, words.values), found)
            said = f"✉️ “{esc(words.subject)}” goes to `{esc(words.to)}`."
        else:
            self._may(found)
            run, said = self._page(call, found, words)
        proposals.release(call.tx, words, by=call.person)
        settle.arm(call.tx, run)
        return Reply(text=said, data={"run": run})

    def _page(self, call: Call, found: Incident, words: Proposal) -> tuple[str, str]:
        on_page = found.facts.get("status_page_incident")
        if words.what == "update" and on_page:
            given = {"text": words.text, "status": words.status, "where": "outside"}
            return start(call, "comms/update", given, found), f"🌐 The update of *{found.id}* goes to the status page."
        if words.what == "update":
            raise Refused(f"{found.id} is not on the status page. Nothing was published.", todo="`/incident publish`")
        if on_page:
            raise Refused(f"{found.id} is on the status page already.", todo="`/incident update …` updates it.")
        if (words.subject, words.text) != _prepared(call, found):
            raise Refused(f"{found.id} reads otherwise now than on that card. Nothing was published.",
                          todo="`/incident publish` shows the new words to everybody.")  # fmt: skip
        run = start(call, "comms/publish", {}, found)
        cards.want(call.tx, "status_page", found.id, found.id)
        return run, f"🌐 Publishing *{found.id}* on the status page … subscribers are told."


def _prepared(call: Call, found: Incident) -> tuple[str, str]:
    """Name and body of the incident as the status page would have them."""
    scope = incident_scope(call.tx, call.house.policy, call.house.url, found.id)["incident"]
    return str(scope["status_page_name"]), str(scope["status_page_body"])


def _who_can(call: Call, found: Incident, words: Proposal) -> str:
    """Those who hold a role here first: they are at it."""
    held = [one.person for one in incidents.roles_of(call.tx, found.id)]
    others = [person for person in dict.fromkeys([*held, found.declared_by]) if person != words.by]
    named = [esc(people.name(call.tx, person)) for person in others if person.startswith("P-")][:3]
    return f" {joined(named, 'or')} can, as can everybody else in the channel." if named else " Anybody else can."
