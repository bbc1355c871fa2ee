"""The stand-in for a resolver: a real DNS server on loopback, UDP and TCP, that answers what Route 53 last had in sync.

Belongs here: questions and answers on the wire, faults (SERVFAIL, REFUSED, silence). Does not belong here: the records
(aws_route53.py).
"""

from __future__ import annotations

import asyncio
import struct
from typing import TYPE_CHECKING

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

if TYPE_CHECKING:
    from bot.sandbox.server import Sandbox

SILENT = ("timeout_before", "timeout_after", "reset", "close_after")


class Resolver(asyncio.DatagramProtocol):
    """One server; ``address`` ("127.0.0.1:port") is the same for UDP and TCP."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.address = ""
        self._udp: asyncio.DatagramTransport | None = None
        self._tcp: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def listen(self, host: str) -> None:
        """Bind one port for both."""
        self._tcp = await asyncio.start_server(self._stream, host, 0)
        port = int(self._tcp.sockets[0].getsockname()[1])
        loop = asyncio.get_running_loop()
        self._udp, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(host, port))
        self.address = f"{host}:{port}"

    async def close(self) -> None:
        """Let go of the port."""
        if self._udp is not None:
            self._udp.close()
        if self._tcp is not None:
            self._tcp.close()
        for task in self._tasks:
            task.cancel()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        task = asyncio.get_running_loop().create_task(self._answer_udp(data, addr))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer_udp(self, data: bytes, addr: tuple[str, int]) -> None:
        told = await self._answer(data)
        if told is not None and self._udp is not None and not self._udp.is_closing():
            self._udp.sendto(told, addr)

    async def _stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            (size,) = struct.unpack("!H", await reader.readexactly(2))
            told = await self._answer(await reader.readexactly(size))
            if told is not None:
                writer.write(struct.pack("!H", len(told)) + told)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _answer(self, data: bytes) -> bytes | None:
        """The answer to one question; None is silence."""
        asked = dns.message.from_wire(data)
        told = dns.message.make_response(asked)
        told.flags |= dns.flags.RA
        question = asked.question[0]
        name, kind = question.name.to_text(omit_final_dot=True).lower(), dns.rdatatype.to_text(question.rdtype)
        fault = self.sandbox.faults.take("dns", kind)
        if fault is not None and fault.mode in SILENT:
            return None
        if fault is not None:
            told.set_rcode(dns.rcode.REFUSED if fault.mode == "error:REFUSED" else dns.rcode.SERVFAIL)
            return told.to_wire()
        await self._fill(told, question.name, name, kind)
        return told.to_wire()

    async def _fill(self, told: dns.message.Message, qname: object, name: str, kind: str) -> None:
        published = (await self.sandbox.aws.route53()).published
        found = [one for one in published.get((name, kind), []) if one.weight is None or one.weight > 0]
        if not found and not any(known == name for known, _ in published):
            told.set_rcode(dns.rcode.NXDOMAIN)
            return
        if found:  # of weighted records the heaviest answers: chance has no place in a test
            one = max(found, key=lambda one: one.weight or 0)
            values = [f"{value}." if kind == "CNAME" else value for value in one.values]
            told.answer.append(dns.rrset.from_text_list(qname, one.ttl, "IN", kind, values))  # type: ignore[arg-type]
