"""The service that incidents are about: health and tables that follow its database."""

from __future__ import annotations

import httpx
import psycopg

from bot.sandbox import Sandbox, SandboxClient


async def test_health_follows_the_writers_zone(sandbox: Sandbox, sb: SandboxClient) -> None:
    async with httpx.AsyncClient(timeout=60) as http:  # the first look loads moto
        url = sandbox.env()["CHECKOUT_HEALTH_URL"]
        assert (await http.get(url)).status_code == 503
        await sb.instance("orders-db", zone="eu-north-1b")
        assert ((said := await http.get(url)).status_code, said.json()) == (200, {"status": "ok"})
        await sb.instance("orders-db", status="rebooting")
        assert (await http.get(url)).status_code == 503
        await sb.instance("orders-db", status="available")
        await sb.settings(broken_zone="eu-north-1b")
        assert (await http.get(url)).status_code == 503


async def test_the_database_is_a_real_postgresql_with_rows() -> None:
    async with Sandbox() as sandbox:
        dsn = sandbox.env()["CHECKOUT_DSN"]
        async with await psycopg.AsyncConnection.connect(dsn) as line:
            counts = [
                (await (await line.execute(f"SELECT count(*) FROM {table}")).fetchone()) for table in ("orders", "payments")
            ]  # fmt: skip
        assert counts == [(40,), (40,)]
    try:
        await psycopg.AsyncConnection.connect(dsn, connect_timeout=2)
    except psycopg.OperationalError:
        return
    raise AssertionError("the database outlived its sandbox")
