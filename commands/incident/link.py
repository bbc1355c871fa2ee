"""`/incident link`: an address that belongs to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from commands.command import Call, Reply, command
from commands.fields import Arg
from commands.house import House
from commands.places import InIncident, bare
from commands.words import esc
from playbooks.errors import Refused
from storage import standing
from storage.inbox import Ask


@command(
    "incident link",
    who="declare",
    group="While it goes on",
    place="incident",
    examples=("incident link https://grafana.example.com/d/1 the dashboard",),
)
class Link(InIncident):
    """Put a link on the incident: on the board and the timeline"""

    url: Annotated[str, Arg("word", "an address, with https://")]
    title: Annotated[str, Arg("rest", "what is there")] = ""

    @classmethod
    def form(cls, ask: Ask) -> bool:
        """`/incident link` alone."""
        return bare(ask)

    @classmethod
    def check(cls, values: Mapping[str, str], house: House) -> dict[str, str]:
        """An address that can be opened."""
        said = str(values.get("url") or "").strip()
        wrong = f"{said} is no address of a page; it begins with https://. Nothing was kept."
        return {} if _address(said) else {"url": wrong}

    def act(self, call: Call, seen: None) -> Reply:
        """Addresses of pages alone: nothing that a click could run."""
        if not _address(self.url):
            raise Refused(
                f"*{self.url}* is no address of a page. Nothing was kept.",
                todo="Try `/incident link https://grafana.example.com/d/1 the dashboard`",
            )
        title = self.title or self.url.partition("://")[2][:60]
        seq = standing.link(call.tx, call.here.id, self.url, title, by=call.person)
        return Reply(
            text=f"🔗 <{esc(self.url)}|{esc(title)}> is on *{call.here.id}* (event {seq}).", data={"event": seq}
        )


def _address(said: str) -> bool:
    return said.startswith(("https://", "http://")) and not any(mark in said for mark in "<>| \n")
