"""`service.look`: each part is seen for itself, and nothing that is down makes the look fail."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from playbooks.actions.service.look import ServiceLook
from playbooks.connectors.http import HttpReads
from playbooks.connectors.postgres import Postgres
from playbooks.secrets import SecretRef
from tests.postgres_pair import Pair


async def test_it_says_what_answers_and_what_does_not(
    world: Any, postgres: Postgres, pair: Pair, sb: SandboxClient, env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    http = HttpReads()
    step = ServiceLook(service="checkout", site="primary", dsn="env://PRIMARY_DSN",
                       health_url=env["CHECKOUT_HEALTH_URL"], monitoring_url=env["CHECKOUT_CANARY_URL"])  # fmt: skip
    await sb.settings(broken_zone="none")
    seen = await step.look(world(http, postgres))
    assert (seen.verdict, seen.down) == ("up", [])
    assert step.say(seen) == (
        "checkout at primary is up: database accepts writes; health answers 200; monitoring answers 200"
    )
    await sb.fail("http", "*", "503", times=1)
    standby = step.model_copy(update={"dsn": SecretRef("env://STANDBY_DSN"), "monitoring_url": None})
    seen = await standby.look(world(http, postgres))
    assert (seen.verdict, seen.down) == ("down", ["database", "health"])
    assert seen.seen == {"database": "is a standby", "health": "answers 503"}
    monkeypatch.setenv("PRIMARY_DSN", "postgresql://postgres@127.0.0.1:1/shop")
    seen = await step.look(world(http, postgres))
    assert (seen.verdict, seen.down) == ("partly", ["database"]) and "does not answer" in seen.seen["database"]
    await http.close()


def test_it_needs_something_to_look_at() -> None:
    with pytest.raises(ValueError, match="nothing to look at"):
        ServiceLook(service="checkout", site="primary")
