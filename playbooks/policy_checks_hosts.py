"""What pydantic cannot see of hosts and commands in muster.yaml: names nothing defines, commands that do not fit.

Belongs here: checks across these sections, each giving (place in the file, what is wrong). Does not belong here: the
other sections (policy_checks.py), the shapes (policy_hosts.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from playbooks.action import Risk
from playbooks.errors import Refused
from playbooks.host_commands import filled, passed_on
from playbooks.policy_hosts import Command, Follow
from playbooks.reading import Loc, hint

if TYPE_CHECKING:
    from playbooks.policy import Policy


def misfits(policy: Policy) -> list[tuple[Loc, str]]:
    """Every misfit of `hosts` and `commands`."""
    return [*_sites(policy), *(one for command in policy.commands.values() for one in _command(policy, command))]


def _sites(policy: Policy) -> Iterator[tuple[Loc, str]]:
    for key, host in policy.hosts.items():
        if host.site and host.site not in policy.sites:
            near = hint(host.site, policy.sites)
            yield ("hosts", key, "site"), f"hosts.{key}.site: there is no site {host.site}{near}"


def _command(policy: Policy, command: Command) -> Iterator[tuple[Loc, str]]:
    at: Loc = ("commands", command.name)
    what = f"commands.{command.name}"
    for host in command.hosts:
        if host not in policy.hosts:
            yield (*at, "hosts"), f"{what}.hosts: there is no host {host}{hint(host, policy.hosts)}"
    for part, follow in (("before", command.before), ("probe", command.probe), ("undo", command.undo)):
        if follow is not None and (wrong := _follow(policy, command, part, follow)):
            yield (*at, part), f"{what}.{part}: {wrong}"
    for other in command.also:
        if wrong := _also(policy, command, other):
            yield (*at, "also"), f"{what}.also: {wrong}"


def _also(policy: Policy, command: Command, other: str) -> str:
    """A command that is there, on the same hosts, told apart by arguments of the same names."""
    to = policy.commands.get(other)
    if to is None:
        return f"there is no command {other}{hint(other, policy.commands)}"
    if missing := sorted({*command.hosts} - {*to.hosts}):
        return f"{other} may not run on {', '.join(missing)}"
    if missing := sorted({*to.arguments} - {*command.arguments}):
        return f"{command.name} has no {', '.join(missing)}, which {other} needs"
    return ""


def _follow(policy: Policy, command: Command, part: str, follow: Follow) -> str:
    to = policy.commands.get(follow.command)
    if to is None:
        return f"there is no command {follow.command}{hint(follow.command, policy.commands)}"
    if part != "undo" and to.hurts is not Risk.READ:
        return f"{to.name} is of risk {to.risk}; what only looks is of risk read"
    most = Risk.RECOVERABLE if command.hurts is Risk.CONTAIN else command.hurts
    if part == "undo" and not Risk.WRITE <= to.hurts <= most:
        return f"{to.name} is of risk {to.risk}: an undo changes something and hurts no more than {most.word}"
    if missing := sorted({*command.hosts} - {*to.hosts}):
        return f"{to.name} may not run on {', '.join(missing)}"
    if part == "undo" and to.hurts is Risk.CONTAIN:
        return f"{to.name} closes access; an undo opens it again"
    return _arguments(command, to, follow)


def _arguments(command: Command, to: Command, follow: Follow) -> str:
    """Whether the arguments handed on fit, as far as that is known without values."""
    if unknown := sorted({*follow.with_} - {*to.arguments}):
        return f"{to.name} takes no {', '.join(unknown)}"
    known = {name: f"{{{name}}}" for name in command.arguments}
    given = passed_on(follow, known, to)
    fixed = {name: text for name, text in given.items() if not any(value in text for value in known.values())}
    missing = [name for name, one in to.arguments.items() if name not in given and one.default is None]
    if missing:
        return f"{to.name} needs {', '.join(missing)}"
    try:
        filled(to.model_copy(update={"arguments": {name: to.arguments[name] for name in fixed}}), fixed)
    except Refused as wrong:
        return wrong.message
    return ""
