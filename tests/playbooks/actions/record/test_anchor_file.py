"""`record.anchor_file`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from playbooks.actions.record.anchor_file import AnchorFile
from playbooks.connectors.files import FileReads, Files
from playbooks.errors import Refused

HEADS = ("INC-42@41:sha256:" + "a" * 64, "org@102:sha256:" + "b" * 64)
AT = "2026-11-22T05:00:00.000000Z"


async def test_lines_are_appended_once_and_never_touched_again(tmp_path: Path, world: Any, carry: Any) -> None:
    path = tmp_path / "far" / "anchors.jsonl"
    step, hands = AnchorFile(path=str(path), at=AT, heads=HEADS), carry(Files([str(path)]))
    plan = await step.plan(world(FileReads([str(path)])))
    assert plan.effect == f"Append to {path}: INC-42 at 41, org at 102"
    for _ in range(2):  # a repeat with the same key
        done = await step.run(hands)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert lines == [
        {"at": AT, "hash": "a" * 64, "seq": 41, "stream": "INC-42"},
        {"at": AT, "hash": "b" * 64, "seq": 102, "stream": "org"},
    ]
    assert done.ref == str(path) and step.say(done) == f"Anchored in {path}: INC-42 at 41, org at 102"


async def test_a_head_the_record_does_not_hold_is_not_anchored(tmp_path: Path, world: Any, carry: Any) -> None:
    path = tmp_path / "anchors.jsonl"
    with pytest.raises(Refused, match="no such head"):
        await AnchorFile(path=str(path), at=AT, heads=HEADS).run(carry(Files([str(path)]), holds=HEADS[:1]))
    assert not path.exists()


async def test_a_file_the_policy_does_not_name_is_refused(tmp_path: Path, world: Any, carry: Any) -> None:
    other = tmp_path / "other"
    with pytest.raises(Refused, match="no file that the policy names"):
        await AnchorFile(path=str(other), at=AT, heads=HEADS).run(carry(Files([str(tmp_path / "anchors.jsonl")])))
    assert not other.exists()


@pytest.mark.parametrize("head", ["INC-42@41", "INC-42@41:sha256:xyz", "INC 42@1:sha256:" + "a" * 64, ""])
def test_what_is_no_head_is_refused_when_it_is_read(head: str) -> None:
    with pytest.raises(ValueError):
        AnchorFile(path="x", at=AT, heads=(head,))
