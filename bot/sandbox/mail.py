"""The stand-in for a mail server: a real SMTP server (aiosmtpd) on loopback that keeps what it is given.

Belongs here: accepting, refusing and losing mail on purpose. Loaded when somebody first connects.
"""

from __future__ import annotations

import asyncio
import email
import email.policy
import socket
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bot.sandbox.server import Sandbox

GONE = "nobody@"  # recipients of this name do not exist


class MailServer:
    """One port. ``kept``: every message taken, as {id, from, to, subject, body, header_to}."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.kept: list[dict[str, Any]] = []
        self.port = 0
        self._socket: socket.socket | None = None
        self._server: asyncio.Server | None = None
        self._starting: asyncio.Task[None] | None = None
        self._open: set[Any] = set()

    @property
    def url(self) -> str:
        """As SMTP_URL has it."""
        return f"smtp://127.0.0.1:{self.port}"

    def bind(self) -> None:
        """Take a port; the first connection to it starts the server."""
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._socket.setblocking(False)
        self.port = self._socket.getsockname()[1]
        asyncio.get_running_loop().add_reader(self._socket, self._first)

    def _first(self) -> None:
        assert self._socket is not None
        asyncio.get_running_loop().remove_reader(self._socket)
        self._starting = asyncio.create_task(self._listen(self._socket))

    async def _listen(self, sock: socket.socket) -> None:
        from aiosmtpd.smtp import SMTP

        loop, opened = asyncio.get_running_loop(), self._open

        class Session(SMTP):
            def connection_made(self, transport: Any) -> None:
                opened.add(transport)
                super().connection_made(transport)

            def connection_lost(self, error: Exception | None) -> None:
                opened.discard(self.transport)
                super().connection_lost(error)

        self._server = await loop.create_server(lambda: Session(self, loop=loop, hostname="sandbox"), sock=sock)

    async def close(self) -> None:
        """Stop, and cut who is connected."""
        if self._starting is not None:
            await asyncio.gather(self._starting, return_exceptions=True)
        if self._server is not None:
            self._server.close()
            for transport in list(self._open):
                transport.abort()
            await asyncio.sleep(0)
        elif self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()

    # aiosmtpd's hooks

    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        envelope.mail_from = address
        return await self._answer(server, "MAIL", {"from": address}) or "250 OK"

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        if address.startswith(GONE):
            return "550 5.1.1 mailbox unavailable"
        answer = await self._answer(server, "RCPT", {"to": address})
        if answer is None:
            envelope.rcpt_tos.append(address)
        return answer or "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        message: Any = email.message_from_bytes(envelope.content, policy=email.policy.default)
        kept = {
            "id": message["Message-ID"], "from": envelope.mail_from, "to": list(envelope.rcpt_tos),
            "subject": message["Subject"], "body": message.get_content(), "header_to": message["To"],
            "reply_to": message["Reply-To"],
        }  # fmt: skip
        return await self._answer(server, "DATA", {"id": kept["id"]}, kept) or "250 OK: kept"

    async def _answer(
        self, server: Any, verb: str, shown: dict[str, Any], kept: dict[str, Any] | None = None
    ) -> str | None:
        """None: as it should. kept: what a good DATA keeps."""
        call = self.sandbox.wire.record("mail", verb, shown)
        await self.sandbox.wire.slowed("mail", verb)
        fault = self.sandbox.faults.take("mail", verb)
        call.fault = fault.mode if fault else None
        if fault is None or fault.mode in ("timeout_after", "close_after"):
            if kept is not None:
                self.kept.append(kept)
                call.effect = True
            if fault is None:
                return None
        if fault.mode in ("timeout_before", "timeout_after"):
            await self.sandbox.wire.stopping.wait()
        if fault.mode in ("timeout_before", "timeout_after", "reset", "close_after"):
            server.transport.abort()
            return "421 closing"
        if fault.mode.startswith("error:"):
            return fault.mode.removeprefix("error:")
        return "451 4.3.0 try again later" if fault.mode in ("429", "503") else "554 5.3.0 transaction failed"
