"""The other region's replica: a standby to whoever asks, until RDS promoted it; then it takes writes."""

from __future__ import annotations

import httpx
import psycopg
import pytest
from sqlalchemy.engine import URL

from bot.sandbox import Sandbox
from playbooks.connectors.postgres import PostgresReads
from playbooks.secrets import SecretRef

DSN = SecretRef("env://REPLICA_DSN")


async def test_it_is_a_standby_until_it_is_promoted(server: URL, monkeypatch: pytest.MonkeyPatch) -> None:
    async with (
        Sandbox(rate_factor=0, postgres=server.set(drivername="postgresql").render_as_string(False)) as sandbox,
        httpx.AsyncClient(timeout=60) as http,  # the first look loads moto
    ):
        env = sandbox.env()
        monkeypatch.setenv("REPLICA_DSN", env["CHECKOUT_SECONDARY_DSN"])
        assert (await http.get(env["CHECKOUT_SECONDARY_HEALTH_URL"])).status_code == 503
        reads = PostgresReads()
        seen, standby = await reads.server(DSN), await reads.standby(DSN)
        assert seen.standby and not seen.writable and not standby.streaming
        assert standby.lag_s == pytest.approx(4.0, abs=0.1) and standby.heard_s is None
        async with await psycopg.AsyncConnection.connect(env["CHECKOUT_SECONDARY_DSN"]) as line:
            with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
                await line.execute("DELETE FROM payments")
        corrections = await sandbox.aws.corrections()
        corrections._promoted(corrections.instance("orders-db-replica"))
        assert (await reads.server(DSN)).writable
        assert (await http.get(env["CHECKOUT_SECONDARY_HEALTH_URL"])).status_code == 200
