"""Hosts: looking (`HostReads`) and acting (`Hosts`) by the commands the policy allows by name, and nothing else.

Belongs here: which command may run where, its line, its receipt, and an output without secrets. Does not belong here:
the way to the host (ssh.py is one; any `Runner` fits), what an output must say (host_commands.py).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from playbooks.action import Where
from playbooks.connectors import receipts
from playbooks.connectors.receipts import Receipt
from playbooks.connectors.ssm import SsmRunner
from playbooks.connectors.tails import Runner
from playbooks.errors import NotConfigured, Refused
from playbooks.host_commands import argv_of, bounded, filled, line_of, masked
from playbooks.policy_hosts import Command, Host
from playbooks.reading import hint
from playbooks.secrets import SecretRef, reveal

LOOK_S = 15.0  # for a receipt, which is small
SLACK_S = 10.0  # beyond what a command may take, until its answer counts as lost


@dataclass(frozen=True)
class Output:
    """What a read command answered. raw: for judging only; it may hold secrets. text: masked and bounded."""

    status: int
    raw: str
    text: str


class HostReads:
    """What can be looked at. hosts, commands: as the policy names them; runners: by a host's `via`, made when needed.

    secrets: references whose values are masked wherever they appear; only those that are in the environment.
    drill_sites: names of the sites that drills may reach.
    """

    vendor = "hosts"
    acting = False

    def __init__(
        self,
        hosts: Mapping[str, Host],
        commands: Mapping[str, Command],
        runners: Mapping[str, Callable[[], Runner]],
        secrets: Collection[SecretRef] = (),
        drill_sites: Collection[str] = (),
    ) -> None:
        self._hosts = hosts
        self._commands = commands
        self._ways = runners
        self._runners: dict[str, Runner] = {}
        self._drill_sites = frozenset(drill_sites)
        self._secrets = tuple(one for one in secrets if one.address.startswith("env://"))
        self._where = Where()

    def bound(self, where: Where) -> Self:
        """A copy for one step, for ways that sign in by it."""
        copy = object.__new__(type(self))
        copy.__dict__.update(self.__dict__)
        copy._where = where
        return copy

    async def close(self) -> None:
        """Let go of what the runners hold."""
        for runner in self._runners.values():
            await runner.close()

    def command(self, name: str, host: str) -> Command:
        """A command that may run there. Refused with the nearest name, or with where it may run."""
        self._host(host)
        command = self.named(name)
        if host not in command.hosts:
            raise Refused(f"{name} may not run on {host}, only on {', '.join(command.hosts)}.")
        return command

    def named(self, name: str) -> Command:
        """A command by name. Refused with the nearest."""
        if name not in self._commands:
            near = hint(name, self._commands)
            raise Refused(f"The policy allows no command {name}{near}.", todo="Add it under `commands`.")
        return self._commands[name]

    def may_drill(self, host: str) -> bool:
        """Whether a drill may reach that host: it stands at a site for drills."""
        return host in self._hosts and self._hosts[host].site in self._drill_sites

    def via(self, host: str) -> str:
        """How a host is reached: ssh or ssm."""
        return self._host(host).via

    async def reach(self, host: str) -> None:
        """Sign in and leave. Temporary when it does not answer, Refused when it does not let us in."""
        known = self._host(host)
        await self._runner(host).reach(known)

    async def look(self, name: str, host: str, arguments: Mapping[str, Any]) -> Output:
        """Run a read command. Whatever exit status it has is an answer; Temporary when none came."""
        command = self.command(name, host)
        if command.risk != "read":
            raise Refused(f"{name} is of risk {command.risk}: it is no look.", todo="Use the action of that risk.")
        line = line_of(argv_of(command, filled(command, arguments), ""), command.cwd)
        deadline = command.timeout.total_seconds()
        answered = await self._runner(host).run(self._hosts[host], line, write=False, deadline_s=deadline)
        return Output(answered.status, answered.text, self.clean(answered.text))

    async def receipt(self, name: str, host: str, key: str) -> Receipt:
        """How what was started under a key stands. Temporary when the host does not answer."""
        line = receipts.look_line(receipts.receipt_key(key, name))
        answered = await self._runner(host).run(self._hosts[host], line, write=False, deadline_s=LOOK_S)
        return receipts.read(answered, host, write=False)

    async def record(self, name: str, host: str, key: str, since: datetime | None) -> Receipt:
        """How what was sent under a key since a moment stands, by AWS's own record. Refused for a host not via ssm."""
        way = self.by_ssm(host)
        return await way.stands(self._hosts[host], key=receipts.receipt_key(key, name), since=since)

    def clean(self, text: str) -> str:
        """Without secrets, head and tail."""
        return bounded(masked(text, [reveal(ref) for ref in self._secrets if _is_set(ref)]))

    def _host(self, host: str) -> Host:
        if host not in self._hosts:
            raise Refused(f"The policy names no host {host}{hint(host, self._hosts)}.", todo="Add it under `hosts`.")
        return self._hosts[host]

    def _runner(self, host: str) -> Runner:
        via = self._hosts[host].via
        if via not in self._ways:
            todo = "Set AWS_DEFAULT_REGION." if via == "ssm" else ""
            raise NotConfigured(f"{host} is reached via {via}, which is not configured here.", todo=todo)
        if via not in self._runners:
            self._runners[via] = self._ways[via]()
        return self._runners[via].bound(self._where)

    def by_ssm(self, host: str) -> SsmRunner:
        """The way to a host that SSM manages. Refused for any other."""
        self._host(host)
        runner = self._runner(host)
        if not isinstance(runner, SsmRunner):
            raise Refused(f"{host} is reached via {self._hosts[host].via}: SSM does not know it. Nothing was run.",
                          todo="Give it `via: ssm` and its instance id, or use the host.* action.")  # fmt: skip
        return runner


def _is_set(ref: SecretRef) -> bool:
    return bool(os.environ.get(ref.address.partition("://")[2]))


class Hosts(HostReads):
    """What can be done."""

    acting = True

    async def start(self, name: str, host: str, arguments: Mapping[str, Any], *, key: str, wait_s: float) -> Receipt:
        """Start a command, at most once under this key, and say how it stands after wait_s at the latest.

        Refused or Temporary: it was not begun. Uncertain: the line was sent and no answer came; `receipt` knows.
        """
        command = self.command(name, host)
        receipt = receipts.receipt_key(key, name)
        argv = argv_of(command, filled(command, arguments), receipt)
        line = receipts.start_line(receipt, argv, cwd=command.cwd, again=command.again, wait_s=wait_s)
        answered = await self._runner(host).run(self._hosts[host], line, write=True, deadline_s=wait_s + SLACK_S)
        return receipts.read(answered, host, write=True, cwd=command.cwd, program=argv[0])

    async def send(self, name: str, host: str, arguments: Mapping[str, Any], *, key: str) -> None:
        """Send a command by SSM under a key and do not wait: AWS keeps its record, the host no receipt.

        AWS removes no doubles, so whoever repeats looks at `record` first. AWS stops it after its `timeout`.
        """
        command, way = self.command(name, host), self.by_ssm(host)
        receipt = receipts.receipt_key(key, name)
        line = line_of(argv_of(command, filled(command, arguments), receipt), command.cwd)
        await way.send(self._hosts[host], line, key=receipt, timeout_s=command.timeout.total_seconds())
