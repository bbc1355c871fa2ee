"""`playbooks/connectors/http.py` on the wire."""

from __future__ import annotations

import asyncio
import ssl
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from bot.sandbox.client import SandboxClient
from playbooks.connectors.http import MOST_BYTES, HttpReads, trusted
from playbooks.errors import Refused, Temporary


async def test_any_status_is_an_answer(http: HttpReads, env: dict[str, str], sb: SandboxClient) -> None:
    seen = await http.get(env["CHECKOUT_HEALTH_URL"])
    assert seen.status == 503 and "eu-north-1a" in seen.text and seen.latency_ms > 0
    await sb.instance("orders-db", zone="eu-north-1b", secondary_zone="eu-north-1a")
    assert (await http.get(env["CHECKOUT_HEALTH_URL"])).status == 200


@pytest.mark.parametrize("mode", ["reset", "close_after", "timeout_before", "timeout_after"])
async def test_no_answer_is_temporary_and_on_time(
    http: HttpReads, env: dict[str, str], sb: SandboxClient, ending: Any, mode: str
) -> None:
    await http.get(env["CHECKOUT_HEALTH_URL"])
    await sb.fail("http", "*", mode)
    started = time.monotonic()
    assert isinstance(await ending(http.get(env["CHECKOUT_HEALTH_URL"])), Temporary)
    assert time.monotonic() - started < 20


def _self_signed(folder: Path) -> ssl.SSLContext:
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "us")])
    now, file = datetime.now(UTC), folder / "both.pem"
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(7).not_valid_before(now).not_valid_after(now + timedelta(days=1))
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(secret + made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


async def test_a_certificate_nobody_vouches_for_is_not_believed(http: HttpReads, ending: Any, tmp_path: Path) -> None:
    served: list[object] = []
    server = await asyncio.start_server(lambda *line: served.append(line), "127.0.0.1", 0, ssl=_self_signed(tmp_path))
    error = await ending(http.get(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/"))
    server.close()
    assert isinstance(error, Temporary) and "certificate" in error.message.lower(), error
    assert not served
    assert trusted() is trusted() and trusted().verify_mode is ssl.CERT_REQUIRED and trusted().check_hostname


async def test_nobody_listening_and_no_address(http: HttpReads, closed_port: int, ending: Any) -> None:
    assert isinstance(await ending(http.get(f"http://127.0.0.1:{closed_port}/")), Temporary)
    assert isinstance(await ending(http.get("nothing")), Refused)


async def test_redirects_are_not_followed_and_long_bodies_are_cut(http: HttpReads, aiohttp_url: Any) -> None:
    async def reply(request: web.Request) -> web.Response:
        if request.match_info["what"] == "moved":
            raise web.HTTPFound("/x/big")
        if request.match_info["what"] == "odd":
            return web.Response(body=b"\xff", headers={"Content-Type": "text/plain; charset=nothing"})
        return web.Response(text="x" * (MOST_BYTES + 5000))

    url = await aiohttp_url("/x/{what}", reply)
    assert (await http.get(url + "moved")).status == 302
    assert len((await http.get(url + "big")).text) == MOST_BYTES
    assert (await http.get(url + "odd")).text == "\ufffd"


async def test_loopback_never_goes_through_a_proxy(
    env: dict[str, str], monkeypatch: pytest.MonkeyPatch, closed_port: int, ending: Any
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{closed_port}")
    http = HttpReads()
    assert (await http.get(env["CHECKOUT_HEALTH_URL"])).status == 503
    assert isinstance(await ending(http.get("http://service.invalid/")), Temporary)  # this one asks the proxy
    await http.close()


async def test_a_server_that_trickles_is_given_up(aiohttp_url: Any, ending: Any) -> None:
    async def reply(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(400):
            await response.write(b".")
            await asyncio.sleep(0.1)
        return response

    http = HttpReads(connect_timeout=0.3, read_timeout=0.5)
    started = time.monotonic()
    assert isinstance(await ending(http.get(await aiohttp_url("/x/{what}", reply) + "slow")), Temporary)
    assert time.monotonic() - started < 20
    await http.close()
