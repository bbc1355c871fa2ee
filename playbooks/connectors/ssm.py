"""SSM as a way to a host: one line by the AWS agent, its output bounded, its end known or honestly not.

Belongs here: sending a line, waiting for its end, and what SSM's own record of a command means as a receipt. Does not
belong here: the calls (aws_ssm.py), which lines there are (hosts.py).
"""

from __future__ import annotations

import asyncio
import shlex
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from playbooks.action import Where
from playbooks.connectors.answers import ServiceRefused, no_answer, unreachable
from playbooks.connectors.aws_client import DENIED
from playbooks.connectors.aws_ssm import DOCUMENT, Invocation, SsmActs
from playbooks.connectors.receipts import Receipt
from playbooks.connectors.tails import WRAP, Answered
from playbooks.errors import MusterError, Refused, Temporary
from playbooks.policy_hosts import Host

FIRST_S, LONGEST_S = 0.3, 2.0  # between two looks
SETTLE_S = 60.0  # beyond what we wait for a line that starts something: AWS must not stop what it started
RECORD_S = 1e9  # AWS keeps its record for 30 days: what it does not know was not sent


class SsmRunner:
    """Runs lines by SSM. aws: signs in; sites: by name, what `${{ site }}` reads (region, roles).

    A host's own site decides region and role; a host without one is reached where the calling step is.
    """

    def __init__(self, aws: SsmActs, sites: Mapping[str, Mapping[str, Any]]) -> None:
        self._aws, self._sites = aws, sites
        self._where = Where()

    def bound(self, where: Where) -> SsmRunner:
        """A copy that signs in as a step does."""
        copy = SsmRunner(self._aws, self._sites)
        copy._where = where
        return copy

    async def close(self) -> None:
        """Let go of threads and connections."""
        await self._aws.close()

    async def run(self, host: Host, line: str, *, write: bool, deadline_s: float) -> Answered:
        """Run a line and return its exit status and output, stderr with it.

        Raises Temporary when it never came to the instance, Refused when SSM does not manage it or may not be asked,
        and, once it was sent and no end came, Uncertain for a `write`, else Temporary.
        """
        until = time.monotonic() + deadline_s
        comment = f"muster {self._where.step}".strip()
        aws, instance = self._aws_of(host), _instance(host)
        command = await self._send(aws, host, line, comment, deadline_s + (SETTLE_S if write else 0), write)
        told = await self._ended(aws, command, instance, until, write)
        if told is not None and told.state == "ended" and told.exit is not None:
            return Answered(told.exit, told.output)
        if told is not None and told.state == "undelivered":
            raise unreachable("SSM", host.name, f"{instance}: {told.status}")
        if not write:
            await self._cancelled(aws, command, instance)
        status = told.status if told else "SSM does not show it"
        raise no_answer("SSM", host.name, f"no end within {deadline_s:g} s ({status})", write=write)

    async def reach(self, host: Host) -> None:
        """Whether the agent would take a line now. Refused: not managed; Temporary: managed, and silent."""
        instance = _instance(host)
        agent = await self._aws_of(host).ssm_agent(instance)
        if agent is None:
            words = f"SSM does not manage {instance} ({host.name}): nothing was run."
            raise ServiceRefused("SSM", "not_managed", words, todo=NOT_MANAGED)
        if agent.platform != "Linux":
            raise Refused(f"{instance} ({host.name}) runs {agent.platform}; commands are lines of a POSIX shell.")
        if agent.ping != "Online":
            seen = f", last heard of at {agent.seen_at:%Y-%m-%d %H:%M} UTC" if agent.seen_at else ""
            raise unreachable("SSM", host.name, f"the agent of {instance} is {agent.ping}{seen}")

    # AWS's own record as a receipt

    async def send(self, host: Host, line: str, *, key: str, timeout_s: float) -> None:
        """Send a line under a key, and do not wait. AWS stops it after timeout_s. Raises as `run`."""
        await self._send(self._aws_of(host), host, line, _comment(key), timeout_s, True)

    async def stands(self, host: Host, *, key: str, since: datetime | None) -> Receipt:
        """How what was sent under a key since a moment stands, by AWS's record. absent: never came there."""
        aws, instance = self._aws_of(host), _instance(host)
        sent = await aws.ssm_sent(instance, _comment(key), since or datetime.now(UTC))
        told = await aws.ssm_invocation(sent[0], instance) if sent else None
        if not sent or (told is not None and told.state == "undelivered"):
            return Receipt("absent", output=told.status if told else "", up_s=RECORD_S)
        if told is None or told.state in ("waiting", "running"):
            return Receipt("running", output=told.output if told else "")
        if told.state == "ended":
            return Receipt("ended", told.exit, told.output)
        return Receipt("cut", output=f"{told.output}\n{told.status}".strip())

    # Sending and waiting

    def _aws_of(self, host: Host) -> SsmActs:
        site = self._sites.get(host.site or "") or self._where.site
        return self._aws.bound(Where(self._where.step, self._where.risk, site))

    async def _send(
        self, aws: SsmActs, host: Host, line: str, comment: str, timeout_s: float, write: bool
    ) -> str:  # fmt: skip
        whole = shlex.join(["sh", "-c", WRAP, "muster", line])
        try:
            return await aws.ssm_send(_instance(host), whole, comment=comment, timeout_s=timeout_s)
        except ServiceRefused as error:
            raise _why(error, host) from None
        except MusterError as error:
            if write or isinstance(error, Refused | Temporary):
                raise
            raise no_answer("SSM", host.name, error.message, write=False) from None

    async def _ended(
        self, aws: SsmActs, command: str, instance: str, until: float, write: bool
    ) -> Invocation | None:  # fmt: skip
        """Look until it is over or time is. Looks that fail are repeated: the command goes on meanwhile."""
        pause, told = FIRST_S, None
        while (left := until - time.monotonic()) > 0:
            await asyncio.sleep(min(pause, left))
            pause = min(LONGEST_S, pause * 1.5)
            try:
                told = await aws.ssm_invocation(command, instance) or told
            except Temporary:
                continue
            except Refused as error:
                if not write:
                    raise
                raise no_answer("SSM", instance, error.message, write=True) from None
            if told is not None and told.state not in ("waiting", "running"):
                return told
        return told

    async def _cancelled(self, aws: SsmActs, command: str, instance: str) -> None:
        """A look that nobody waits for any more is stopped where that can be; AWS stops it in the end anyway."""
        try:
            await aws.ssm_cancel(command, instance)
        except MusterError:
            return


NOT_MANAGED = (
    "Install and start the SSM agent there, give the instance a profile with AmazonSSMManagedInstanceCore, and let it "
    "reach SSM (443); look that instance id and the site's region are right."
)


def _why(error: ServiceRefused, host: Host) -> ServiceRefused:
    """A refusal of SendCommand in words for whoever looks after the host."""
    todo = error.todo
    if error.code == "InvalidInstanceId":
        todo = NOT_MANAGED
    elif error.code in DENIED:
        todo = f"Allow ssm:SendCommand on {host.instance} and on document/{DOCUMENT} for the role Muster runs under."
    return ServiceRefused("SSM", error.code, f"{host.name}: {error.message} Nothing was run.", todo=todo)


def _instance(host: Host) -> str:
    assert host.instance is not None  # the policy refuses a host via ssm without
    return host.instance


def _comment(key: str) -> str:
    return f"muster {key}"
