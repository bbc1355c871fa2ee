"""SSM's run command. moto keeps commands and runs none: a thin, named correction, which answers these actions itself.

1. ``DescribeInstanceInformation``: the hosts of the sandbox (``host/``) are instances whose agents are online; one that
   is disconnected shows ``ConnectionLost``.
2. ``SendCommand``: the line runs on that host, as the same line by SSH does. An unknown instance is refused
   (InvalidInstanceId), a delivery time-out below 30 s too; a line that holds `{{ }}` is taken for a parameter.
3. ``GetCommandInvocation``: right after sending it does not exist yet (InvocationDoesNotExist). A command waits while
   its instance is away, and is over with ``Delivery Timed Out``; beyond executionTimeout it is stopped
   (``Execution Timed Out``). The output is cut at 24,000 characters, its beginning kept.
4. ``CancelCommand``: what has not begun is cancelled, what runs goes on.
"""

from __future__ import annotations

import asyncio
import re
import shlex
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from bot.sandbox.settings import Settings
from playbooks.connectors.tails import WRAP

if TYPE_CHECKING:
    from bot.sandbox.host.server import Hosts, HostServer

ACTIONS = frozenset({
    "SendCommand", "GetCommandInvocation", "ListCommands", "CancelCommand", "DescribeInstanceInformation",
})  # fmt: skip
INSTANCES = {"i-0555000000000001": "production", "i-0555000000000002": "dr", "i-0555000000000003": "staging",
             "i-0555000000000004": "cold"}  # fmt: skip
MOST = 24_000
CUT = "\n---Output truncated---"
Said = dict[str, Any]
Refusal = tuple[str, str]


@dataclass
class Sent:
    """A command at one instance."""

    id: str
    instance: str
    comment: str
    line: str
    delivery_s: float
    timeout_s: float
    at: float
    status: str = "Pending"
    details: str = "Pending"
    began: bool = False
    code: int = -1
    output: str = ""


class RunCommand:
    """SSM's run command over the sandbox's hosts."""

    def __init__(self, hosts: Callable[[], Hosts], settings: Settings) -> None:
        self._hosts, self._settings = hosts, settings
        self.sent: dict[str, Sent] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def close(self) -> None:
        """Forget what runs."""
        for task in self._tasks:
            task.cancel()

    def answer(self, action: str, asked: Said) -> Said | Refusal:
        """What SSM answers, or (code, message)."""
        match action:
            case "DescribeInstanceInformation":
                return self._agents(asked)
            case "SendCommand":
                return self._send(asked)
            case "ListCommands":
                return self._list(asked)
        sent = self.sent.get(str(asked.get("CommandId")))
        if action == "CancelCommand":
            if sent is None:
                return "InvalidCommandId", ""
            if not sent.began:
                sent.status = sent.details = "Cancelled"
            return {}
        young = sent is not None and time.monotonic() - sent.at < self._settings.ssm_record_seconds
        if sent is None or young or sent.instance != asked.get("InstanceId"):
            return "InvocationDoesNotExist", ""
        return self._shown(sent)

    @staticmethod
    def changes(action: str, asked: Said) -> bool:
        """Whether it is an effect. A look is a command too, and what receipts guard is seen at the host."""
        return action == "SendCommand" and bool(re.fullmatch("muster [0-9a-f]{32}", str(asked.get("Comment"))))

    def _agents(self, asked: Said) -> Said:
        wanted = {one for each in asked.get("Filters") or () for one in each.get("Values") or ()}
        return {"InstanceInformationList": [
            {"InstanceId": id, "PingStatus": "ConnectionLost" if self._host(id).away else "Online",
             "PlatformType": "Linux", "LastPingDateTime": time.time(), "AgentVersion": "3.3.0.0"}
            for id in INSTANCES if not wanted or id in wanted
        ]}  # fmt: skip

    def _send(self, asked: Said) -> Said | Refusal:
        (instance,), given = asked["InstanceIds"], asked["Parameters"]
        if instance not in INSTANCES:
            return "InvalidInstanceId", f"Instances [[{instance}]] not in a valid state for account"
        if not 30 <= int(asked.get("TimeoutSeconds", 3600)) <= 2_592_000:
            return "ValidationException", "TimeoutSeconds must be between 30 and 2592000"
        (line,) = given["commands"]
        if asked["DocumentName"] != "AWS-RunShellScript" or len(str(asked.get("Comment") or "")) > 100:
            return "ValidationException", "no such document, or a comment of more than 100 characters"
        if "{{" in line:
            return "InvalidParameters", "The parameter value contains a reference that cannot be resolved."
        sent = Sent(
            str(uuid.uuid4()), instance, str(asked.get("Comment") or ""), line,
            min(float(asked.get("TimeoutSeconds", 3600)), self._settings.ssm_delivery_seconds),
            float(given.get("executionTimeout", ["3600"])[0]), time.monotonic(),
        )  # fmt: skip
        self.sent[sent.id] = sent
        task = asyncio.create_task(self._run(sent))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return {"Command": self._listed(sent)}

    def _list(self, asked: Said) -> Said:
        after = [one["value"] for one in asked.get("Filters") or () if one["key"] == "InvokedAfter"]
        since = datetime.fromisoformat(after[0]).timestamp() if after else 0.0
        return {"Commands": [
            self._listed(one) for one in self.sent.values()
            if one.instance == asked.get("InstanceId", one.instance) and _wall(one) >= since
        ]}  # fmt: skip

    def _listed(self, sent: Sent) -> Said:
        return {"CommandId": sent.id, "Comment": sent.comment, "Status": sent.status, "StatusDetails": sent.details,
                "InstanceIds": [sent.instance], "RequestedDateTime": _wall(sent)}  # fmt: skip

    def _shown(self, sent: Sent) -> Said:
        cut = sent.output if len(sent.output) <= MOST else sent.output[: MOST - len(CUT)] + CUT
        began = datetime.fromtimestamp(_wall(sent), UTC).isoformat() if sent.began else ""
        return {"CommandId": sent.id, "InstanceId": sent.instance, "Comment": sent.comment, "Status": sent.status,
                "StatusDetails": sent.details, "ResponseCode": sent.code, "StandardOutputContent": cut,
                "StandardErrorContent": "", "ExecutionStartDateTime": began}  # fmt: skip

    # On the instance

    def _host(self, instance: str) -> HostServer:
        return self._hosts().by_name[INSTANCES[instance]]

    async def _run(self, sent: Sent) -> None:
        """Wait for the agent, then carry the line out as its shell does."""
        until = time.monotonic() + sent.delivery_s
        while self._host(sent.instance).away:
            if time.monotonic() >= until:
                sent.status, sent.details = "TimedOut", "Delivery Timed Out"
                return
            await asyncio.sleep(0.02)
        if sent.status == "Cancelled":
            return
        sent.status = sent.details = "InProgress"
        sent.began = True
        try:
            async with asyncio.timeout(sent.timeout_s):
                sent.code, said = await self._host(sent.instance).carried(_inner(sent.line))
        except TimeoutError:
            sent.status, sent.details = "TimedOut", "Execution Timed Out"
            return
        sent.output = (
            said if len(said) <= 20_000 else f"{said[:9000]}\n[... {len(said) - 18000} characters ...]\n{said[-9000:]}"
        )
        sent.status = sent.details = "Failed" if sent.code else "Success"


def _inner(line: str) -> list[str]:
    """The words of the line within Muster's wrapping, as the instance's shell reads them; any other line's own."""
    words = shlex.split(line)
    match words:
        case ["sh", "-c", script, "muster", inner] if script == WRAP:
            return shlex.split(inner)
    return words


def _wall(sent: Sent) -> float:
    return time.time() - (time.monotonic() - sent.at)
