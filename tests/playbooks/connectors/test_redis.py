"""`playbooks/connectors/redis.py` against a real Redis: what it reads, how calls end, and what it never says."""

from __future__ import annotations

import asyncio
import ssl
import time
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from bot.sandbox import Sandbox, SandboxClient
from playbooks.connectors.answers import Alive, ServiceRefused
from playbooks.connectors.redis import TRACE, Redis, RedisReads
from playbooks.errors import MusterError, Refused, Temporary, Uncertain
from playbooks.secrets import SecretRef
from tests.patience import READ_S

URL = SecretRef("env://CHECKOUT_REDIS_URL")


@pytest.fixture
async def cache(env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("CHECKOUT_REDIS_URL", env["CHECKOUT_REDIS_URL"])
    one = Redis(connect_timeout=10, read_timeout=READ_S)
    yield one
    await one.close()


async def test_what_it_reads(cache: Redis) -> None:
    assert await cache.ping(URL) < 5000
    info = await cache.info(URL)
    assert (info.role, info.primary, info.keys, info.databases) == ("master", True, 35, {"db0": 35})
    assert (
        info.version.startswith("6.2") and info.clients >= 1 and info.saved and not info.cluster and not info.replicas
    )
    sessions = await cache.count(URL, "session:*", most=10_000, within=30)
    assert (sessions.matching, sessions.total, sessions.whole) == (25, 35, True)


async def test_a_flush_leaves_its_trace_and_nothing_else(cache: Redis) -> None:
    assert not await cache.flushed(URL, "run-1")
    await cache.flush(URL, "run-1")
    assert await cache.flushed(URL, "run-1") and not await cache.flushed(URL, "run-2")
    left = await cache.count(URL, "*", most=100, within=30)
    assert left.total == 1 and (await cache.count(URL, f"{TRACE}*", most=100, within=30)).matching == 1


@pytest.mark.parametrize(
    ("mode", "kind", "flushed"),
    [
        ("timeout_before", Uncertain, False),
        ("timeout_after", Uncertain, True),
        ("close_after", Uncertain, True),
        ("reset", Uncertain, False),
        ("error:NOPERM", Refused, False),
        ("error:LOADING", Temporary, False),
        ("error:READONLY", Refused, False),
    ],
)
async def test_every_way_a_write_can_end(
    cache: Redis, sb: SandboxClient, ending: Any, mode: str, kind: type[MusterError], flushed: bool
) -> None:
    await cache.ping(URL)
    await sb.fail("redis", "EXEC", mode)
    began = time.monotonic()
    error = await ending(cache.flush(URL, "run-1"))
    assert isinstance(error, kind) and "127.0.0.1" not in f"{error} {error!r}" and time.monotonic() - began < 20
    assert await cache.flushed(URL, "run-1") is flushed
    assert [call["fault"] for call in await sb.calls("redis", "EXEC")] == [mode]  # and it was not sent twice


async def test_a_read_that_breaks_did_nothing(cache: Redis, sb: SandboxClient, ending: Any) -> None:
    await sb.fail("redis", "INFO", "close_after")
    assert isinstance(await ending(cache.info(URL)), Temporary)
    await sb.fail("redis", "INFO", "error:NOPERM")
    error = await ending(cache.info(URL))
    assert isinstance(error, ServiceRefused) and error.code == "NOPERM" and "Allow the user" in error.todo


async def test_no_error_shows_the_address_or_the_password(
    cache: Redis, sandbox: Sandbox, closed_port: int, ending: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody there, no such host, no address, a wrong sign-in, no TLS, one that says nothing, one that is full."""
    silent = await asyncio.start_server(_silent, "127.0.0.1", 0)
    full = await asyncio.start_server(_full, "127.0.0.1", 0)
    ours = sandbox.cache.gate.port
    cases: list[tuple[str, type[MusterError], str]] = [
        (f"redis://u:hunter2@127.0.0.1:{closed_port}/0", Temporary, "refused"),
        ("redis://u:hunter2@no-such-host.invalid/0", Temporary, "resolve"),
        ("hunter2", Refused, "no Redis address"),
        (f"redis://u:hunter2@127.0.0.1:{ours}/0", Refused, "sign-in"),
        (f"rediss://u:hunter2@127.0.0.1:{ours}/0", Temporary, ""),
        (f"redis://u:hunter2@127.0.0.1:{_port(silent)}/0", Temporary, "in time"),
        (f"redis://127.0.0.1:{_port(full)}/0", Alive, "full"),
    ]
    patient = RedisReads(connect_timeout=20, read_timeout=20)
    impatient = RedisReads(connect_timeout=1, read_timeout=0.3)
    await cache.ping(URL)
    for address, kind, words in cases:
        monkeypatch.setenv("SHOP_REDIS", address)
        error = await ending((impatient if words in ("", "in time") else patient).ping(SecretRef("env://SHOP_REDIS")))
        assert isinstance(error, kind) and words in str(error) and "env://SHOP_REDIS" in str(error), (address, error)
        shown = f"{error} {error!r} {error.__cause__} {error.__suppress_context__ or error.__context__}"
        assert not any(part in shown for part in ("hunter2", "127.0.0.1", "no-such-host"))
    await impatient.close()
    await patient.close()
    silent.close()
    full.close()


async def test_over_tls_and_only_with_a_certificate_that_is_trusted(
    cache: Redis, sandbox: Sandbox, tmp_path: Path, ending: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await cache.ping(URL)
    certificate, key = _certificate(tmp_path)
    ours = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ours.load_cert_chain(certificate, key)

    async def passed_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", sandbox.cache.gate.port)
        try:
            await asyncio.gather(_pipe(reader, far_writer), _pipe(far_reader, writer))
        except OSError:
            writer.close()

    server = await asyncio.start_server(passed_on, "127.0.0.1", 0, ssl=ours)
    monkeypatch.setenv("TLS_REDIS", f"rediss://127.0.0.1:{_port(server)}/0?ssl_ca_certs={certificate}")
    assert (await cache.info(SecretRef("env://TLS_REDIS"))).keys == 35
    monkeypatch.setenv("TLS_REDIS", f"rediss://127.0.0.1:{_port(server)}/0")
    error = await ending(cache.info(SecretRef("env://TLS_REDIS")))
    assert isinstance(error, ServiceRefused) and error.code == "TLS" and "encryption" in error.message
    server.close()


def _certificate(folder: Path) -> tuple[str, str]:
    """A certificate for 127.0.0.1 that is its own authority, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "redis")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True).sign(key, hashes.SHA256())
    )  # fmt: skip
    (folder / "redis.crt").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "redis.key").write_bytes(key.private_bytes(serialization.Encoding.PEM, *secret))
    return str(folder / "redis.crt"), str(folder / "redis.key")


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


def _port(server: asyncio.Server) -> int:
    return int(server.sockets[0].getsockname()[1])


async def _full(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"-ERR max number of clients reached\r\n")
    writer.close()


async def _silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.close()
