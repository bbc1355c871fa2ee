"""`drill/network-partition`: no rule is left, and the host would have joined the network by itself."""

from __future__ import annotations

from tests.library.entry import Entry
from tests.library.prepared import machine, nothing_left
from tests.library.stage import Stage


async def joined(stage: Stage) -> None:
    await nothing_left(stage)
    host = machine(stage, "staging")
    assert host.rules == [] and host.well
    (timer,) = host.timers
    assert timer.endswith("iptables -D DOCKER-USER -d 10.0.2.0/24 -j DROP")
    made = [line.partition("iptables ")[2] for line in host.ran if "-I DOCKER-USER" in line or "-D DOCKER-USER" in line]
    assert [line[:2] for line in made] == ["-D", "-I", "-D"], "the timer, the partition, its end"


ENTRY = Entry(
    inputs={"service": "corporate-intel"}, incident={"service": "corporate-intel", "kind": "drill"}, kind="drill",
    site="sandbox", check=joined,
)  # fmt: skip
