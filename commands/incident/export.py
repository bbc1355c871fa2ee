"""`/incident export`: the record of it as a file."""

from __future__ import annotations

import hashlib
from typing import Annotated

from commands.command import Call, Reply, command
from commands.fields import Arg
from commands.places import InIncident
from commands.starting import start
from commands.timers import settle
from playbooks.errors import Refused
from storage import export, timeline

PLAYBOOK = "comms/export"
MOST = 20_000  # events; more than that is for the terminal


@command(
    "incident export",
    group="The record",
    place="incident",
    examples=("incident export", "incident export csv"),
)
class Export(InIncident):
    """Send you the timeline as a file, as `muster export` writes it

    JSON Lines are checked anywhere by `muster verify FILE`; CSV is for spreadsheets. That you took it is on the record.
    """

    format: Annotated[str, Arg("choice", "jsonl or csv", choices=("jsonl", "csv"))] = "jsonl"

    def act(self, call: Call, seen: None) -> Reply:
        """The run that sends it to whoever asks, and the entry that it was carried away."""
        tx, found = call.tx, call.here
        by_hand = f"`muster export {found.id} --format {self.format}`"
        head = timeline.head(tx, found.id)
        if call.ask.account_kind != "slack":
            raise Refused("Files are sent in Slack. Nothing was exported.", todo=f"Here: {by_hand}")
        if head.seq > MOST:
            raise Refused(
                f"{found.id} has {head.seq} events, too many for a message.", todo=f"In a terminal: {by_hand}"
            )
        body = export.as_text(tx, found.id, self.format, head.seq).encode()
        given = {
            "person": call.ask.account.rpartition("/")[2], "document": f"export:{found.id}:{self.format}:{head.seq}",
        }  # fmt: skip
        run = start(call, PLAYBOOK, given, found)
        settle.arm(tx, run)
        digest = hashlib.sha256(body).hexdigest()
        export.made(
            tx, what=found.id, format=self.format, sha256=digest, events=head.seq, actor=call.person, via=call.ask.via,
            account=call.ask.account,
        )  # fmt: skip
        what = f"*{found.id}.{self.format}* ({head.seq} events, head `{head.short}`)"
        return Reply(
            text=f"🗂 Sending you {what} as a direct message.",
            data={"run": run, "sha256": digest, "events": head.seq},
        )
