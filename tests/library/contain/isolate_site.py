"""`contain/isolate-site`: machines and pods are cut off and run on, and the disks are kept."""

from __future__ import annotations

from bot.sandbox.aws_seed import MACHINES, QUARANTINE
from playbooks.connectors.aws import AwsReads
from playbooks.connectors.kubernetes import KubernetesReads
from tests.library.entry import Entry
from tests.library.stage import Stage


async def cut(stage: Stage) -> None:
    seen = await stage.tool(AwsReads).ec2_instances(list(MACHINES))
    assert [one.state for one in seen] == ["running", "running"]
    assert {group for one in seen for part in one.interfaces for group in part.groups} == {QUARANTINE}
    assert await stage.tool(AwsReads).scaling_of(list(MACHINES)) == {}, "a group would end what does not answer"
    rules = await stage.tool(KubernetesReads).network_rules("production", "")
    assert "muster-isolate" in [rule.name for rule in rules]
    kept = stage.sandbox.aws._backend("ec2", "eu-north-1").snapshots.values()
    cases = [tag["value"] for one in kept for tag in one.get_tags() if tag["key"] == "muster-case"]
    assert cases == [stage.incident]


ENTRY = Entry(inputs={"service": "checkout", "site": "primary"}, check=cut)
