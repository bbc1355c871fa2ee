"""`/incident triage`: alerts that came in and wait for somebody to decide."""

from __future__ import annotations

from typing import Annotated

from commands.command import Button, Call, Command, Reply, command
from commands.fields import Arg
from commands.places import incident_for
from commands.triage import card_of, same_service, take
from commands.words import clock, cut, esc, lines
from playbooks.errors import Refused
from storage import triage
from storage.incidents import Incident
from storage.triage import Triage

SHOWN = 15


@command(
    "incident triage",
    who="declare",
    group="Start and end",
    examples=("incident triage", "incident triage T-7 join INC-42", "incident triage T-7 dismiss known, being fixed"),
)
class Decide(Command):
    """Decide on alerts that came in: list them, join them to an incident, dismiss them

    To declare them press their card's button, or `/incident declare sev1 what is wrong alerts=T-7`.
    """

    alerts: Annotated[str, Arg("alerts", "which alerts, such as T-7")] = ""
    do: Annotated[str, Arg("choice", "show, join or dismiss", choices=("show", "join", "dismiss"))] = "show"
    to: Annotated[str, Arg("incident", "the incident they belong to")] = ""
    reason: Annotated[str, Arg("rest", "why they are nothing")] = ""

    def act(self, call: Call, seen: None) -> Reply:
        """One decision for each card; the first one counts."""
        if not self.alerts:
            return self._list(call)
        if self.do == "show":
            return self._show(call)
        card = card_of(call, self.alerts)
        if self.do == "dismiss":
            triage.dismiss(call.tx, card.id, by=call.person, reason=self.reason)
            return Reply(
                text=f"🔕 *{card.id}* dismissed. What fires now is not raised again; what fires anew is.",
                data={"triage": card.id},
            )
        found = self._incident(call, card)
        take(call, card, found, joined=True)
        data = {"triage": card.id, "incident": found.id}
        return Reply(text=f"🔗 *{card.id}* belongs to *{found.id}* now.", data=data)

    def _incident(self, call: Call, card: Triage) -> Incident:
        """The named one, the channel's, or the only one of the same service."""
        same = same_service(call, card)
        said = self.to or (same[0].id if len(same) == 1 else "")
        found = incident_for(
            call.tx, call.house.policy, call.actor, call.ask.channel, said=said, line=f"incident={said}", greedy=True,
            must=True, words="incident triage",
        )  # fmt: skip
        assert found is not None
        if not found.open:
            raise Refused(f"{found.id} was {found.status}; nothing joins it any more. Nothing was changed.",
                          todo="`/incident list` shows the open ones.")  # fmt: skip
        return found

    def _list(self, call: Call) -> Reply:
        found = triage.open_cards(call.tx)
        data = {"triage": [card.id for card in found]}
        if not found:
            return Reply(text="No alerts wait for anybody.", data=data)
        more = f"… and {len(found) - SHOWN} more." if len(found) > SHOWN else ""
        return Reply(text=lines(*[_line(call, card) for card in found[:SHOWN]], more), data=data)

    def _show(self, call: Call) -> Reply:
        card = triage.get(call.tx, self.alerts)
        if card is None:
            raise Refused(f"There are no alerts *{self.alerts}*.", todo="`/incident triage` lists those that wait.")
        now = triage.counted(call.tx, card.id, latest=10)
        listed = [f"{'🔥' if one.state == triage.FIRING else '✅'} {esc(cut(one.title, 150))}" for one in now.latest]
        rest = now.firing + now.resolved - len(now.latest)
        more = f"… and {rest} more." if rest > 0 else ""
        where = f" as {card.incident}" if card.incident else ""
        decided = "" if card.state == "open" else f"It is {card.state}{where}."
        found = (Button(label="Declare", line=f"incident declare alerts={card.id}", style="primary"),)
        return Reply(
            text=lines(_line(call, card), *listed, more, decided), buttons=found if not decided else (),
            data={"triage": card.id, "firing": now.firing, "resolved": now.resolved},
        )  # fmt: skip


def _line(call: Call, card: Triage) -> str:
    now = triage.counted(call.tx, card.id, latest=0)
    where = f" · {esc(card.service)}" if card.service else ""
    counts = f"{now.firing} firing, {now.resolved} resolved"
    since = clock(card.opened_at, call.tx.now)
    return f"*{card.id}* {esc(cut(card.title, 100))}{where} · {counts} · {esc(card.source)} since {since} UTC"
