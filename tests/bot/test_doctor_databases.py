"""The doctor's look at databases, caches and the programs that copy databases."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy.engine import URL

from bot import doctor_databases
from bot.connectors import connect
from bot.sandbox.server import Sandbox
from bot.settings import Settings
from playbooks.policy import parse_policy
from tests.postgres_pair import BINARIES

POLICY = """
severities: {sev1: {title: a}}
services:
  shop:
    tier: 1
    rto: 1h
    rpo: 15m
    site: primary
    database: {dsn: "env://CHECKOUT_DSN", admin: "env://CHECKOUT_DSN"}
    cache: {url: "env://CHECKOUT_REDIS_URL", replica: "env://NOWHERE_URL"}
    resources:
      secondary: {database: {dsn: "env://NOT_SET_DSN"}}
sites:
  primary: {region: eu-north-1}
  secondary: {region: eu-west-1}
"""


async def test_each_address_once_and_the_programs(
    server: URL, monkeypatch: pytest.MonkeyPatch, unused_tcp_port: int, tmp_path: Path
) -> None:
    uri = server.set(drivername="postgresql").render_as_string(hide_password=False)
    async with Sandbox(rate_factor=0, postgres=uri) as sandbox:
        env = sandbox.env()
        for name in ("CHECKOUT_DSN", "CHECKOUT_REDIS_URL"):
            monkeypatch.setenv(name, env[name])
        monkeypatch.setenv("NOWHERE_URL", f"redis://u:hunter2@127.0.0.1:{unused_tcp_port}/0")
        policy = parse_policy(POLICY)
        for programs, state in ((BINARIES, "ok"), (tmp_path, "missing")):
            connectors = connect(Settings.of(env, muster_pg_bin=programs))
            found = await doctor_databases.look(connectors, policy)
            await connectors.close()
            said = [(one.what, one.state) for one in found]
            assert said == [
                ("Database of shop at primary", "ok"), ("Database of shop at secondary", "missing"),
                ("Cache of shop at primary", "ok"), ("Cache of shop at primary", "broken"), ("Database copies", state),
            ]  # fmt: skip
        assert "primary, accepts writes" in found[0].text and "NOT_SET_DSN" in found[1].text
        assert "35 keys" in found[2].text and "connection refused" in found[3].text
        assert "MUSTER_PG_BIN" in found[4].text and not any("hunter2" in one.text for one in found)
