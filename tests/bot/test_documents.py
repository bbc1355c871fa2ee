"""`muster docs playbooks`: on the screen, into a folder, the organisation's own among them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.__main__ import app
from playbooks.engine.library import Library

OWN = "name: ours/note\ntitle: Ours\nsteps:\n  - {id: a, uses: slack.archive, with: {channel: C1}}\n"


@pytest.fixture
def policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "muster.yaml"
    monkeypatch.setenv("MUSTER_CONFIG", str(file))
    return file


def test_without_a_policy_the_built_in_ones_are_printed(policy: Path) -> None:
    said = CliRunner().invoke(app, ["docs", "playbooks", "failover/rds-multi-az"])
    assert said.exit_code == 0 and said.output.startswith("# RDS Multi-AZ failover")


def test_all_go_into_a_folder_with_an_index_whose_links_work(policy: Path, tmp_path: Path) -> None:
    own = tmp_path / "own" / "ours"
    own.mkdir(parents=True)
    (own / "note.yaml").write_text(OWN, encoding="utf-8")
    policy.write_text("severities: {sev1: {title: a}}\nplaybooks: [own]\n", encoding="utf-8")
    out = tmp_path / "out"
    said = CliRunner().invoke(app, ["docs", "playbooks", "--into", str(out)])
    assert said.exit_code == 0, said.output
    links = re.findall(r"\]\((.*?)\)", (out / "README.md").read_text(encoding="utf-8"))
    assert set(links) == {f"{name}.md" for name in (*Library().names(), "ours/note")}
    assert all((out / link).is_file() for link in links)


def test_an_unknown_name_says_the_nearest(policy: Path) -> None:
    said = CliRunner().invoke(app, ["docs", "playbooks", "failover/rds-multi"])
    assert said.exit_code == 1 and "failover/rds-multi-az" in str(said.exception)
