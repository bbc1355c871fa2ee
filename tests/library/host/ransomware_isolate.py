"""`host/ransomware-isolate`: nobody reaches the service, what writes is stopped, and the evidence is kept."""

from __future__ import annotations

from tests.library.entry import Entry
from tests.library.prepared import machine
from tests.library.stage import Stage


async def isolated(stage: Stage) -> None:
    host = machine(stage)
    assert sorted(rule.split("--ctorigdstport ")[1].split()[0] for _, rule in host.rules) == ["443", "80"]
    assert {chain for chain, _ in host.rules} == {"DOCKER-USER"}
    stopped = {one.service for one in host.containers.values() if not one.running}
    assert stopped == {"backend", "api_gateway"}
    kept = {path.removeprefix("/var/forensics/inc-1/") for path in host.files if path.startswith("/var/forensics/")}
    assert kept == {f"ecommerce_{one}.{end}" for one in ("backend", "postgres") for end in ("tar", "log")} | {
        "databases.sql.gz"
    }
    first = [one.split("iptables")[0] for one in host.ran if "-I DOCKER-USER" in one or " stop " in one]
    assert " stop " not in first[0] + first[1], "the network was closed before anything was stopped"


ENTRY = Entry(
    inputs={"service": "storefront"}, incident={"service": "storefront", "title": "files are encrypted"},
    check=isolated,
)  # fmt: skip
