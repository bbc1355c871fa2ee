"""`playbooks/connectors/dns.py` against a real DNS server: what it says, what it does not, and when nobody answers."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from playbooks.connectors.dns import DnsReads
from playbooks.errors import Refused, Temporary


async def test_a_name_says_what_it_says(names: DnsReads, env: dict[str, str]) -> None:
    resolver = env["CHECKOUT_RESOLVER"]
    told = await names.ask("checkout.example.com", "CNAME", resolver)
    assert (told.values, told.ttl, told.resolver) == (("primary.checkout.example.com",), 60, resolver)
    assert (await names.ask("api.example.com", "A", resolver)).values == ("203.0.113.10",)
    for name, type in (("api.example.com", "TXT"), ("nothing.example.com", "A")):
        assert (await names.ask(name, type, resolver)).values == ()


@pytest.mark.parametrize(
    ("mode", "kind"), [("error:REFUSED", Temporary), ("500", Temporary), ("timeout_before", Temporary)]
)
async def test_who_does_not_answer_may_answer_later(
    names: DnsReads, sb: SandboxClient, env: dict[str, str], ending: Any, mode: str, kind: type
) -> None:
    await sb.fail("dns", "A", mode, times=-1)
    error = await ending(names.ask("api.example.com", "A", env["CHECKOUT_RESOLVER"]))
    assert isinstance(error, kind) and "api.example.com" in str(error)


async def test_nobody_there_and_no_address(names: DnsReads, closed_port: int, ending: Any) -> None:
    assert isinstance(await ending(names.ask("a.example.com", "A", f"127.0.0.1:{closed_port}")), Temporary)
    for wrong in ("not an address", "127.0.0.1:port"):
        error = await ending(names.ask("a.example.com", "A", wrong))
        assert isinstance(error, Refused) and "no resolver" in error.message
