"""SSH (asyncssh): one line on one host, its output bounded, its end known or honestly not.

Belongs here: signing in, knowing the host by its key, reading the output, and what a broken line means for the effect.
Does not belong here: which lines there are (hosts.py builds them from the policy).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncssh

from playbooks.action import Where
from playbooks.connectors.answers import CONNECT_S, ServiceRefused, no_answer, short, unreachable
from playbooks.connectors.tails import Answered, Tails
from playbooks.connectors.threads import Threads
from playbooks.errors import MusterError
from playbooks.policy_hosts import Host
from playbooks.secrets import SecretRef, reveal

SSH_PORT = 22
MOST_BYTES = 16 * 1024 * 1024  # then the line is cut: nobody reads that, and it may never end


class SshRunner:
    """Runs lines by SSH. Settings: seconds to connect and sign in. A connection lives as long as a call."""

    def __init__(self, *, connect_timeout: float = CONNECT_S) -> None:
        self._connect_timeout = connect_timeout
        self._threads = Threads("secrets", 2)

    def bound(self, where: Where) -> SshRunner:
        """The same for every step: a host lets in by its key alone."""
        return self

    async def close(self) -> None:
        """Let go of threads."""
        self._threads.close()

    async def run(self, host: Host, line: str, *, write: bool, deadline_s: float) -> Answered:
        """Run a line and return its exit status and output.

        Raises Temporary when it was not begun, Refused when the host does not let us in or is not the one we know,
        and, once the line was sent and no end came, Uncertain for a `write`, else Temporary.
        """
        failed: MusterError
        async with self._connected(host) as connection:
            try:
                async with asyncio.timeout(deadline_s):
                    return await _read(connection, line)
            except asyncssh.ChannelOpenError as error:
                failed = unreachable("SSH", host.name, short(error.reason))
            except TimeoutError:
                failed = no_answer("SSH", host.name, f"no end within {deadline_s:g} s", write=write)
            except (asyncssh.Error, OSError, EOFError) as error:
                failed = no_answer("SSH", host.name, short(str(error)) or type(error).__name__, write=write)
        raise failed

    async def reach(self, host: Host) -> None:
        """Sign in and leave. Raises as `run` does."""
        async with self._connected(host):
            pass

    @asynccontextmanager
    async def _connected(self, host: Host) -> AsyncIterator[asyncssh.SSHClientConnection]:
        """A connection, cut at the end. Nothing was run when this raises."""
        connection = await self._connect(host)
        try:
            yield connection
        finally:
            connection.abort()

    async def _connect(self, host: Host) -> asyncssh.SSHClientConnection:
        address, port = place_of(host)
        where = f"{host.name} ({address}:{port})"
        options = await self._options(host)
        failed: MusterError
        try:
            async with asyncio.timeout(self._connect_timeout * 2):
                return await asyncssh.connect(address, port, **options)
        except asyncssh.HostKeyNotVerifiable:
            words = f"{where} shows another host key than the policy names: nothing was sent to it."
            todo = "Find out whose machine answers; only then change host_key."
            failed = ServiceRefused("SSH", "host_key", words, todo=todo)
        except asyncssh.PermissionDenied:
            words = f"{where} does not let {host.user} in with the key {host.key}: nothing was run."
            failed = ServiceRefused("SSH", "denied", words, todo=f"Put its public key there, or check {host.key}.")
        except TimeoutError:
            failed = unreachable("SSH", where, "no connection in time")
        except asyncssh.KeyExchangeFailed as error:
            # A host that has no key of the pinned kind ends here too.
            failed = ServiceRefused("SSH", "key_exchange", f"{where}: {short(error.reason)}; nothing was run.")
        except (asyncssh.Error, OSError, EOFError) as error:
            failed = unreachable("SSH", where, short(str(error)) or type(error).__name__)
        raise failed  # out here, so that it keeps no key alive

    async def _options(self, host: Host) -> dict[str, Any]:
        assert host.key is not None  # the policy refuses a host without
        text = await self._threads.run(_revealed(host.key), deadline_s=30.0)
        return {
            "username": host.user,
            "client_keys": [_private(text, host.key)],
            "known_hosts": (_public(host.host_key, host.name), _public(host.host_ca, host.name), []),
            "preferred_auth": "publickey",
            "agent_path": None,
            "config": None,
            "gss_host": None,
            "connect_timeout": self._connect_timeout,
            "login_timeout": self._connect_timeout,
            "keepalive_interval": 5,
            "keepalive_count_max": 3,
        }


def place_of(host: Host) -> tuple[str, int]:
    """Address and port: "name", "name:port", "[::1]:port"."""
    name, sep, port = host.address.rpartition(":")
    if sep and port.isdigit() and (":" not in name or name.endswith("]")):
        return name.strip("[]"), int(port)
    return host.address.strip("[]"), SSH_PORT


async def _read(connection: asyncssh.SSHClientConnection, line: str) -> Answered:
    """Head and tail of what it says while it says it, then its exit status."""
    process: asyncssh.SSHClientProcess[bytes] = await connection.create_process(
        line, stdin=asyncssh.DEVNULL, stderr=asyncssh.STDOUT, encoding=None
    )
    tails = Tails()
    while chunk := await process.stdout.read(64 * 1024):
        tails.add(chunk)
        if tails.seen > MOST_BYTES:
            raise EOFError(f"it said more than {MOST_BYTES // 2**20} MiB")
    await process.wait_closed()
    if process.exit_status is None or (process.exit_status < 0 and process.exit_signal is None):
        raise EOFError("the connection ended before the command did")
    signal = process.exit_signal
    return Answered(process.exit_status if signal is None else 128, tails.text())


def _revealed(ref: SecretRef) -> Callable[[], str]:
    return lambda: reveal(ref)


def _private(text: str, ref: SecretRef) -> asyncssh.SSHKey:
    try:
        return asyncssh.import_private_key(text)
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError, ValueError):
        pass
    words = f"The value behind {ref} is no private key that can be read (OpenSSH or PEM, without passphrase)."
    raise ServiceRefused("SSH", "key", words, todo="Put a key without passphrase there, of an account that may little.")


def _public(text: str, name: str) -> list[asyncssh.SSHKey]:
    try:
        return [asyncssh.import_public_key(line) for line in text.splitlines() if line.strip()]
    except (asyncssh.KeyImportError, ValueError):
        words = f"The policy's host_key or host_ca of {name} is no public key."
        raise ServiceRefused("SSH", "host_key", words, todo="`ssh-keyscan` shows one; compare it first.") from None
