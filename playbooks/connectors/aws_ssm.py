"""SSM's run command: sending a line to an instance's agent and seeing what became of it. Joined by `ssm.py`.

Does not belong here: which lines there are (hosts.py builds them from the policy), waiting for their end (ssm.py), the
parameter store (aws_parameters.py).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from playbooks.connectors.answers import ServiceRefused
from playbooks.connectors.aws_client import AwsClient

DOCUMENT = "AWS-RunShellScript"
DELIVERY_S = 30  # AWS takes no less; an agent that is there gets a command within a second or two
MOST_CHARACTERS = 24_000  # AWS keeps no more of what a command says
State = Literal["waiting", "running", "ended", "undelivered", "stopped"]
NEVER_CAME = frozenset({"deliverytimedout", "undeliverable", "terminated", "invalidplatform", "accessdenied"})


@dataclass(frozen=True)
class Agent:
    """An instance's agent. ping: Online, ConnectionLost or Inactive; platform: Linux, Windows, MacOS; seen_at: UTC."""

    instance: str
    ping: str
    platform: str
    seen_at: datetime | None


@dataclass(frozen=True)
class Invocation:
    """What became of a command. status: in AWS's words ("Delivery Timed Out"); exit: of one that ended by itself.

    waiting: not with the agent yet; running; ended; undelivered: it never came there; stopped: by its own time-out, by
    somebody, or with the instance, possibly in the middle.
    """

    command: str
    state: State
    status: str
    exit: int | None
    output: str


class SsmReads(AwsClient):
    """What can be asked of SSM about instances and commands."""

    async def ssm_agent(self, instance: str) -> Agent | None:
        """The agent of an instance; None where SSM does not manage it."""
        wanted = [{"Key": "InstanceIds", "Values": [instance]}]
        try:
            told = await self._call("ssm", "describe_instance_information", write=False, Filters=wanted)
        except ServiceRefused as error:
            if error.code == "InvalidInstanceId":
                return None
            raise
        for raw in told.get("InstanceInformationList") or ():
            if raw.get("InstanceId") == instance:
                return Agent(instance, str(raw.get("PingStatus") or ""), str(raw.get("PlatformType") or "Linux"),
                             raw.get("LastPingDateTime"))  # fmt: skip
        return None

    async def ssm_invocation(self, command: str, instance: str) -> Invocation | None:
        """How a command stands at an instance; None where SSM does not know it (yet: that takes a moment)."""
        given = {"CommandId": command, "InstanceId": instance}
        try:
            told = await self._call("ssm", "get_command_invocation", write=False, **given)
        except ServiceRefused as error:
            if error.code in ("InvocationDoesNotExist", "InvalidCommandId"):
                return None
            raise
        return _invocation(command, told)

    async def ssm_sent(self, instance: str, comment: str, since: datetime) -> list[str]:
        """Ids of the commands sent to an instance since a moment (UTC) under exactly this comment, newest first."""
        after = (since.astimezone(UTC) - timedelta(seconds=60)).strftime("%Y-%m-%dT%H:%M:%SZ")
        found = await self._all(
            "ssm", "list_commands", "Commands", InstanceId=instance, Filters=[{"key": "InvokedAfter", "value": after}]
        )
        mine = [one for one in found if str(one.get("Comment") or "") == comment[:100]]
        mine.sort(key=lambda one: str(one.get("RequestedDateTime") or ""), reverse=True)
        return [str(one["CommandId"]) for one in mine]


class SsmActs(SsmReads):
    """What can be done by SSM."""

    async def ssm_send(self, instance: str, line: str, *, comment: str, timeout_s: float) -> str:
        """Send a line of a POSIX shell; returns the command's id. AWS stops it after timeout_s.

        AWS removes no doubles: only `comment` tells one's own command. Refused InvalidInstanceId for an instance that
        is not managed or not running; Uncertain when no answer came.
        """
        given = {"commands": [unbraced(line)], "executionTimeout": [str(max(1, round(timeout_s)))]}
        told = await self._call(
            "ssm", "send_command", write=True, InstanceIds=[instance], DocumentName=DOCUMENT, Parameters=given,
            TimeoutSeconds=DELIVERY_S, Comment=comment[:100],
        )  # fmt: skip
        return str(told["Command"]["CommandId"])

    async def ssm_cancel(self, command: str, instance: str) -> None:
        """Ask that a command be stopped. AWS promises nothing."""
        await self._call("ssm", "cancel_command", write=True, CommandId=command, InstanceIds=[instance])


def unbraced(line: str) -> str:
    """The same line for a shell without `{{`, which SSM takes for a parameter of its own.

    For lines whose braces all stand within single quotes, as `shlex` quotes them.
    """
    return re.sub(r"\{(?=\{)", "{''", line)


def _invocation(command: str, raw: Mapping[str, Any]) -> Invocation:
    status = str(raw.get("StatusDetails") or raw.get("Status") or "")
    word = re.sub(r"[^a-z]", "", status.lower())
    code = int(raw.get("ResponseCode", -1))
    state: State = "stopped"
    if word in ("pending", "delayed"):
        state = "waiting"
    elif word in ("inprogress", "cancelling"):
        state = "running"
    elif word in NEVER_CAME or (word == "cancelled" and not raw.get("ExecutionStartDateTime")):
        state = "undelivered"
    elif word in ("success", "failed") and code >= 0:
        state = "ended"
    output = str(raw.get("StandardOutputContent") or "")
    if said := str(raw.get("StandardErrorContent") or ""):
        output = f"{output.rstrip()}\n{said}".lstrip()
    return Invocation(command, state, status, code if state == "ended" else None, output)
