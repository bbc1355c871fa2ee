"""Prometheus on the wire."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web

from bot.sandbox.client import SandboxClient
from playbooks.connectors.prometheus import POINTS, PrometheusReads
from playbooks.errors import NotConfigured, Refused, Temporary
from tests.patience import CONNECT_S, READ_S


async def test_errors_are_sorted_and_the_token_stays_at_home(
    env: dict[str, str], sb: SandboxClient, aiohttp_url: Any, closed_port: int
) -> None:
    seen: list[tuple[str | None, dict[str, Any]]] = []

    async def reply(request: web.Request) -> web.Response:
        seen.append((request.headers.get("Authorization"), dict(await request.post())))
        data = {"resultType": "scalar", "result": [1.0, "7"]}
        return web.json_response({"status": "success", "data": data})

    other = (await aiohttp_url("/{path:.*}", reply)).rstrip("/")
    one = PrometheusReads(other, "secret-token", connect_timeout=CONNECT_S, read_timeout=READ_S)
    (scalar,) = await one.now("7")
    assert scalar.values == ((1.0, 7.0),) and scalar.name == "" and seen[0][0] == "Bearer secret-token"
    await one.window("x", until=datetime.now(UTC), seconds=86400)
    assert float(seen[1][1]["step"]) == 86400 / POINTS
    assert await one.now("nothing", url=env["PROMETHEUS_URL"]) == []
    await one.now("7", url=(await aiohttp_url("/{path:.*}", reply)).rstrip("/"))
    assert [token for token, _ in seen] == ["Bearer secret-token", "Bearer secret-token", None]  # another address
    for mode, error in (("500", Temporary), ("reset", Temporary), ("403", Refused), ("error:timeout", Refused)):
        if mode != "403":
            await sb.fail("prometheus", "query", mode)
            with pytest.raises(error):
                await one.now("x", url=env["PROMETHEUS_URL"])
    with pytest.raises(Temporary, match="could not be reached"):
        await one.now("x", url=f"http://127.0.0.1:{closed_port}")
    await one.close()
    bare = PrometheusReads()
    with pytest.raises(NotConfigured):
        await bare.now("x")
    await bare.close()
