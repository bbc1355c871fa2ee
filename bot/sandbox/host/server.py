"""The SSH servers of the sandbox's hosts: keys, sessions, receipts, and lines that break on purpose.

Belongs here: what a connection does, and the two scripts of receipts, which a real host's shell would run. Does not
belong here: what a program does (programs.py), the host's state (machine.py).
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import shlex
import socket
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from bot.sandbox.faults import Fault
from bot.sandbox.host import programs
from bot.sandbox.host.machine import Machine, Run
from bot.sandbox.wire import Call
from playbooks.connectors.receipts import LOOK, START, TICK_S

if TYPE_CHECKING:
    import asyncssh

    from bot.sandbox.server import Sandbox

USER = "muster"
NAMES = ("production", "dr", "staging", "cold")
BY_AGENT = ("cold",)  # reached by SSM alone: no key of it is given out


def private_key(name: str) -> str:
    """A key that is the same in every process: of a host, of whoever signs in ("client"), of an impostor."""
    seed = hashlib.sha256(f"muster sandbox {name}".encode()).digest()
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return ed25519.Ed25519PrivateKey.from_private_bytes(seed).private_bytes(*form).decode()


def public_key(name: str) -> str:
    """Its public half, as known_hosts has it."""
    seed = hashlib.sha256(f"muster sandbox {name}".encode()).digest()
    public = ed25519.Ed25519PrivateKey.from_private_bytes(seed).public_key()
    return public.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH).decode()


class HostServer:
    """One host: its machine, and SSH in front of it. Loads asyncssh when somebody first connects."""

    def __init__(self, sandbox: Sandbox, name: str) -> None:
        self.sandbox = sandbox
        self.name = name
        self.machine = Machine(name)
        self.machine.bucket = sandbox.aws.unreadable
        self.impostor = False  # shows another host key
        self.denied = False  # lets nobody in
        self.port = 0
        self._acceptor: asyncssh.SSHAcceptor | None = None
        self._socket: socket.socket | None = None
        self._starting: asyncio.Task[None] | None = None
        self._runs: set[asyncio.Task[None]] = set()
        self._lines: set[asyncssh.SSHServerProcess[bytes]] = set()

    @property
    def away(self) -> bool:
        """Whether it is disconnected from the network."""
        return self._socket is None

    def bind(self, port: int = 0) -> None:
        """Take a port; the first connection to it starts the server."""
        self._socket = socket.create_server(("127.0.0.1", port), reuse_port=False)
        self._socket.setblocking(False)
        self.port = self._socket.getsockname()[1]
        asyncio.get_running_loop().add_reader(self._socket, self._first)

    def _first(self) -> None:
        assert self._socket is not None
        asyncio.get_running_loop().remove_reader(self._socket)
        self._starting = asyncio.create_task(self._listen(self._socket))

    async def _listen(self, sock: socket.socket) -> None:
        import asyncssh

        server, client = self, asyncssh.import_public_key(public_key("client"))

        class Door(asyncssh.SSHServer):
            def public_key_auth_supported(self) -> bool:
                return True

            def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
                return key == client and username == USER and not server.denied

        shown = asyncssh.import_private_key(private_key("impostor" if self.impostor else self.name))
        self._acceptor = await asyncssh.listen(
            sock=sock, server_factory=Door, server_host_keys=[shown], process_factory=self._session, encoding=None,
            allow_scp=False, agent_forwarding=False, x11_forwarding=False, login_timeout=10,
        )  # fmt: skip

    async def close(self) -> None:
        """Stop listening and cut every line. What was started goes on, as on a real host."""
        if self._starting is not None:
            await asyncio.gather(self._starting, return_exceptions=True)
            self._starting = None
        if self._acceptor is not None:
            for process in list(self._lines):
                process.channel.get_connection().abort()
            self._acceptor.close()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._acceptor.wait_closed(), 1)
            self._acceptor = None
        elif self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()
        self._socket = None

    async def end(self) -> None:
        """Close, and forget what runs."""
        await self.close()
        for task in self._runs:
            task.cancel()
        await asyncio.gather(*self._runs, return_exceptions=True)

    async def set(self, *, unreachable: bool | None, impostor: bool | None, denied: bool | None) -> None:
        """Disconnect it from the network or back, change whose key it shows, whom it lets in."""
        self.denied = self.denied if denied is None else denied
        if impostor is not None and impostor != self.impostor:
            self.impostor = impostor
            await self.close()
            self.bind(self.port)
        if unreachable is True:
            await self.close()
        elif unreachable is False and self._socket is None:
            self.bind(self.port)

    # A session

    async def _session(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        """One line: recorded, made to fail as planned, or carried out."""
        self._lines.add(process)
        try:
            words = _words(process.command or "")
            verb = self._verb(words)
            call = self.sandbox.wire.record("host", verb, {"host": self.name, "argv": words})
            if seconds := self.sandbox.faults.latency("host", verb):
                await asyncio.sleep(seconds)
            fault = self.sandbox.faults.take("host", verb)
            status, said = await self._suffer(process, call, fault, words)
            if status is None:
                return
            process.stdout.write(said.encode())
            with contextlib.suppress(OSError):
                await process.stdout.drain()
            process.exit(status)
        finally:
            self._lines.discard(process)

    async def _suffer(
        self, process: asyncssh.SSHServerProcess[bytes], call: Call, fault: Fault | None, words: list[str]
    ) -> tuple[int | None, str]:
        """Exit status and output; None: the line hangs or is cut."""
        call.fault = fault.mode if fault else None
        if fault is None or fault.mode in ("timeout_after", "close_after"):
            status, said = await self._carry(words, call)
            call.status = status
            if fault is None:
                return status, said
        elif fault.mode not in ("timeout_before", "reset"):
            return 1, f"{fault.mode}\n"
        if fault.mode in ("timeout_before", "timeout_after"):
            await self.sandbox.wire.stopping.wait()
        process.channel.get_connection().abort()
        return None, ""

    async def carried(self, words: list[str]) -> tuple[int, str]:
        """A line that came another way than by SSH: recorded and carried out. Exit status and output."""
        call = self.sandbox.wire.record("host", self._verb(words), {"host": self.name, "argv": words})
        call.status, said = await self._carry(words, call)
        return call.status, said

    def _verb(self, words: list[str]) -> str:
        match words:
            case ["sh", "-c", text, "muster", _, _, _, _, *argv] if text == START:
                return programs.verb(argv)
            case ["sh", "-c", text, "muster", _] if text == LOOK:
                return "receipt"
            case ["cd", _, "&&", *argv]:
                return programs.verb(argv)
        return programs.verb(words) if words else ""

    async def _carry(self, words: list[str], call: Call) -> tuple[int, str]:
        match words:
            case ["sh", "-c", text, "muster", key, again, ticks, cwd, *argv] if text == START:
                return await self._start(call, key, again, int(ticks) * TICK_S, cwd, argv)
            case ["sh", "-c", text, "muster", key] if text == LOOK:
                return 0, self._receipt(key)
            case ["cd", cwd, "&&", *argv]:
                return await self._plain(argv, cwd)
        return await self._plain(words, ".")

    async def _plain(self, argv: list[str], cwd: str) -> tuple[int, str]:
        if cwd not in self.machine.folders:
            return 2, f"sh: 1: cd: can't cd to {cwd}\n"
        if not argv:
            return 0, ""
        await asyncio.sleep(self.machine.slow.get(programs.verb(argv), 0))
        status, said = programs.run(self.machine, argv, cwd)
        return status, f"{said}\n" if said else ""

    # Receipts: what the two scripts do on a real host

    async def _start(
        self, call: Call, key: str, again: str, wait_s: float, cwd: str, argv: list[str]
    ) -> tuple[int, str]:
        receipts = self.machine.receipts
        old = receipts.get(key)
        if old is not None and again == "safe" and old.gone:
            del receipts[key]
        if key not in receipts:
            if cwd not in self.machine.folders:
                return 0, "muster folder 0\n"
            if not programs.known(argv):
                return 0, "muster program 0\n"
            receipts[key] = Run(" ".join(argv))
            call.effect = True
            task = asyncio.create_task(self._run(receipts[key], argv, cwd))
            self._runs.add(task)
            task.add_done_callback(self._runs.discard)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await receipts[key].over.wait()
        return 0, self._receipt(key)

    async def _run(self, run: Run, argv: list[str], cwd: str) -> None:
        await asyncio.sleep(self.machine.slow.get(programs.verb(argv), 0))
        if not run.gone:
            run.status, run.output = programs.run(self.machine, argv, cwd)
        run.over.set()

    def _receipt(self, key: str) -> str:
        run = self.machine.receipts.get(key)
        if run is None:
            return f"muster absent {self.machine.up_s}\n"
        state = "cut 0" if run.gone else "running 0" if run.status is None else f"ended {run.status}"
        return f"muster {state}\n{run.output}"


def _words(line: str) -> list[str]:
    """A line as a shell would split it; what is no line of ours has no words and is not found."""
    try:
        return shlex.split(line)
    except ValueError:
        return [line]


class Hosts:
    """The hosts of one sandbox."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.by_name = {name: HostServer(sandbox, name) for name in NAMES}

    def bind(self) -> None:
        """Take the ports."""
        for one in self.by_name.values():
            one.bind(one.port)

    async def close(self) -> None:
        """Stop all."""
        for one in self.by_name.values():
            await one.end()

    async def reset(self) -> None:
        """All as they began, at the same addresses."""
        await self.close()
        ports = {name: one.port for name, one in self.by_name.items()}
        self.by_name = {name: HostServer(self.sandbox, name) for name in NAMES}
        for name, one in self.by_name.items():
            one.bind(ports[name])

    def env(self) -> dict[str, str]:
        """Addresses, public keys and the key to sign in with, under the names of the example policy."""
        client = private_key("client")
        found: dict[str, str] = {}
        for name, one in self.by_name.items():
            if name in BY_AGENT:
                continue
            word = name.upper()
            found |= {f"{word}_HOST_ADDRESS": f"127.0.0.1:{one.port}", f"{word}_HOST_PUBLIC_KEY": public_key(name),
                      f"{word}_HOST_KEY": client}  # fmt: skip
        return found

    async def change(self, asked: dict[str, Any]) -> dict[str, Any]:
        """{name, unreachable?, impostor?, denied?, ...what machine.change takes}."""
        given = dict(asked)
        one = self.by_name[str(given.pop("name"))]
        flags = {flag: given.pop(flag, None) for flag in ("unreachable", "impostor", "denied")}
        one.machine.change(given)
        await one.set(**flags)
        return one.machine.show()
