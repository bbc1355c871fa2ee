"""The page's server part, without a browser: completion from the registry, what one person sees, the stream, the guide."""

from __future__ import annotations

import json
import re
import time
from email.message import EmailMessage
from typing import Any

import aiosmtplib
import httpx
import pytest

from bot.sandbox import Sandbox, SandboxClient
from bot.sandbox.page import outside, showing
from bot.sandbox.page.guard import refusal
from bot.sandbox.page.guide import steps
from bot.sandbox.page.routes import STATIC


async def offered(sandbox: Sandbox, text: str) -> list[str]:
    found = await sandbox.page.completion.options(text, "U0ANA")
    return [text[: found["start"]] + one["insert"] for one in found["options"]]


async def test_what_comes_next_is_asked_of_the_registry_the_policy_and_the_workspace(
    sandbox: Sandbox, sb: SandboxClient
) -> None:
    assert await offered(sandbox, "/inc") == ["/incident "]
    assert "/incident declare " in await offered(sandbox, "/incident de")
    assert (await offered(sandbox, "/incident declare s"))[:3] == [f"/incident declare sev{n} " for n in (1, 2, 3)]
    assert await offered(sandbox, "/incident declare sev1 x service=che") == [
        "/incident declare sev1 x service=checkout "
    ]
    assert await offered(sandbox, "/playbook run rds-multi") == ["/playbook run failover/rds-multi-az "]
    assert "/playbook run failover/rds-multi-az service=" in await offered(
        sandbox, "/playbook run failover/rds-multi-az "
    )
    assert await offered(sandbox, "/playbook run failover/rds-multi-az service=che") == [
        "/playbook run failover/rds-multi-az service=checkout "
    ]
    assert await offered(sandbox, "ask @be") == ["ask @ben "]
    assert await offered(sandbox, "just words") == []
    assert await offered(sandbox, "/nonsense verb ") == []
    await sb.type("U0ANA", "#general", "INC-7 is what I mean")
    assert "/incident status INC-7 " in await offered(sandbox, "/incident status ")


async def test_nobody_sees_what_is_for_another(sandbox: Sandbox, sb: SandboxClient) -> None:
    await sb.change_channel("secret", create=True, private=True, add=["U0BEN"])
    await sb.type("U0BEN", "secret", "hidden")
    ana, ben = (sandbox.world.users[f"U0{name}"] for name in ("ANA", "BEN"))
    place = sandbox.world.named("secret")
    assert place is not None
    seen: dict[str, Any] = showing.workspace(sandbox, ben)
    assert place.id in [one["id"] for one in seen["channels"]]
    assert "secret" in seen["names"].values()
    place.members.remove("U0ANA")  # who made it left it
    text = json.dumps([showing.workspace(sandbox, ana), showing.channel(sandbox, ana, place.id)])
    assert "hidden" not in text and "#secret" not in text and '"secret"' not in text
    assert "cannot see" in showing.channel(sandbox, ana, place.id)["error"]


async def test_the_stream_brings_each_part_again_only_when_it_changed(sandbox: Sandbox, sb: SandboxClient) -> None:
    async with httpx.AsyncClient(timeout=40) as http:
        async with http.stream("GET", f"{sandbox.page.url}live?user=U0EVE&channel=C0GENERAL") as line:
            rows = line.aiter_lines()

            async def part() -> tuple[str, Any]:
                while not (row := await anext(rows)).startswith("event: "):
                    pass
                return row.removeprefix("event: "), json.loads((await anext(rows)).removeprefix("data: "))

            first = dict([await part() for _ in range(6)])
            assert set(first) == {"workspace", "channel", "screen", "outside", "trouble", "guide"}
            assert first["workspace"]["me"] == "U0EVE"
            await sb.type("U0ANA", "#general", "hello there")
            later = dict([await part() for _ in range(2)])
            assert later["channel"]["messages"][-1]["text"] == "hello there"
            assert "outside" not in later
        healed = await http.post(f"{sandbox.page.url}act/heal", json={"service": "slack"})
        assert healed.status_code == 200


async def test_trouble_is_listed_by_service_and_healed_whole(sandbox: Sandbox, sb: SandboxClient) -> None:
    await sb.fail("slack", "chat.postMessage", "429", 3)
    await sb.latency("slack", 3)
    await sb.scopes(remove=["pins:write"])
    await sb.fail("aws", "*", "500", -1)
    planned = outside.trouble(sandbox)
    assert [one["mode"] for one in planned["slack"]] == ["429", "slow 3 s", "scopes taken"]
    async with httpx.AsyncClient() as http:
        answer = await http.post(f"{sandbox.page.url}act/heal", json={"service": "slack"})
    assert list(answer.json()) == ["aws"] == list(outside.trouble(sandbox))
    assert "pins:write" in sandbox.world.scopes


async def test_every_failure_the_page_offers_can_be_planned_and_mail_can_be_slow(
    sandbox: Sandbox, sb: SandboxClient
) -> None:
    text = (STATIC / "panels.js").read_text()
    rows = dict(re.findall(r"const (COMMON|LINE|SLOW) = (.+?);\n", text, re.DOTALL))
    services = re.findall(r'^  \["(\w+)", "[^"]+", \[(.+?)\],(?: |\n)', text, re.MULTILINE)
    assert len(services) == 9 and set(rows) == {"COMMON", "LINE", "SLOW"}
    for service, modes in services:
        for mode in re.findall(r'\["([^"]+)",', modes + rows["COMMON"]):
            await sb.fail(service, "*", mode)
    await sb.clear_faults()
    await sb.latency("mail", 0.3)
    letter = EmailMessage()
    letter["Subject"], letter["From"], letter["To"] = "late", "muster@example.com", "ana@example.com"
    began = time.monotonic()
    await aiosmtplib.send(letter, hostname="127.0.0.1", port=sandbox.mail.port)
    assert time.monotonic() - began > 0.8  # three verbs
    assert sandbox.mail.kept[0]["subject"] == "late"


async def test_the_guide_begins_with_declaring_and_goes_on_in_the_channel(sandbox: Sandbox, sb: SandboxClient) -> None:
    rows = await steps(sandbox)
    assert [row["done"] for row in rows] == [False] * len(rows)
    await sb.change_channel("inc-1-checkout-is-down", create=True)
    rows = await steps(sandbox)
    assert rows[0]["done"] and not rows[1]["done"]
    assert rows[1]["channel"] == sandbox.world.named("inc-1-checkout-is-down").id  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("host", "origin", "site", "why"),
    [
        ("127.0.0.1:80", None, None, ""),
        ("localhost:80", "http://localhost:80", "same-origin", ""),
        ("127.0.0.1:80", None, "none", ""),
        ("evil.test:80", None, None, "is not evil.test"),
        ("127.0.0.1:80", "http://127.0.0.1:81", None, "another page"),
        ("127.0.0.1:80", "null", None, "another page"),
        ("127.0.0.1:80", None, "same-site", "another site"),
    ],
)
def test_who_may_ask(host: str, origin: str | None, site: str | None, why: str) -> None:
    assert (why in refusal(host, origin, site)) and bool(why) == bool(refusal(host, origin, site))
