"""The floors: who may import whom. The real tree keeps every contract, and each one breaks on a planted import."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

PACKAGES = ("bot", "commands", "playbooks", "storage")
DOORS = "Each outside SDK enters by one door"

# contract -> (file, the import planted there): each fault breaks its contract.
FAULTS = {
    "The house has floors": [
        ("storage/runs.py", "import playbooks.action"),
        ("playbooks/errors.py", "import playbooks.policy"),
        ("playbooks/engine/next.py", "import commands.command"),
        ("playbooks/action.py", "import playbooks.connectors.http"),
        ("commands/command.py", "import bot.words"),
        ("playbooks/actions/http/probe.py", "import playbooks.engine.moves"),
    ],
    "Actions and connectors never touch the record": [
        ("playbooks/actions/http/probe.py", "import storage.timeline"),
        ("playbooks/connectors/http.py", "import storage.db"),
        ("playbooks/secrets.py", "import storage.db"),
    ],
    "Actions do not know each other": [
        ("playbooks/actions/slack/archive.py", "import playbooks.actions.slack.post"),
        ("playbooks/actions/http/probe.py", "import playbooks.actions.aws.rds_describe"),
    ],
    "Commands reach the outside only through the engine": [
        ("commands/incident/note.py", "import playbooks.connectors.slack"),
        ("commands/places.py", "import playbooks.actions.slack.post"),
    ],
    "The sandbox is imported by the command line alone": [
        ("bot/worker.py", "import bot.sandbox.world"),
        ("bot/slack.py", "import bot.sandbox.client"),
    ],
    "The engine alone writes statuses": [
        ("commands/incident/resolve.py", "import playbooks.engine.transition"),
        ("bot/worker.py", "import playbooks.engine.transition"),
    ],
    DOORS: [
        ("commands/incident/note.py", "import aiohttp"),
        ("playbooks/connectors/hosts.py", "import asyncssh"),
        ("playbooks/connectors/hosts.py", "import aiosmtplib"),
        ("playbooks/connectors/mail.py", "import aiosmtpd"),
        ("playbooks/actions/aws/rds_describe.py", "import boto3"),
        ("playbooks/engine/doing.py", "import botocore.config"),
        ("playbooks/actions/dns/resolve.py", "import dns.resolver"),
        ("playbooks/connectors/postgres.py", "import redis"),
        ("bot/worker.py", "import httpx"),
        ("storage/factors.py", "import cryptography.fernet"),
        ("bot/codes.py", "import pyotp"),
        ("bot/enrolling.py", "import segno"),
        ("bot/web/sign_in.py", "import joserfc.jwt"),
        ("bot/render/post_mortem.py", "import fpdf"),
        ("playbooks/connectors/aws.py", "import kubernetes"),
        ("playbooks/actions/pagerduty/link.py", "import pdpyras"),
        ("storage/runs.py", "import psycopg"),
        ("bot/web/server.py", "import slack_bolt"),
        ("playbooks/actions/slack/post.py", "import slack_sdk"),
        ("commands/runs.py", "import sqlalchemy"),
    ],
}
CASES = [(contract, file, line) for contract, faults in FAULTS.items() for file, line in faults]


def lint(tree: Path) -> str:
    """What lint-imports says of a tree, by its own configuration; every contract it names with KEPT or BROKEN."""
    said = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()",
         "--config", str(tree / "pyproject.toml"), "--no-cache", "--no-logo"],
        cwd=tree, env={**os.environ, "PYTHONPATH": str(tree), "COLUMNS": "200"}, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    return f"{said.stdout}\n{said.stderr}\nexit {said.returncode}"


def verdicts(said: str) -> dict[str, str]:
    return dict(re.findall(r"^(.+?) (KEPT|BROKEN)\b", said, re.MULTILINE))


@pytest.fixture(scope="module")
def copied(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The four packages and the configuration, elsewhere."""
    tree = tmp_path_factory.mktemp("house")
    for package in PACKAGES:
        shutil.copytree(root / package, tree / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(root / "pyproject.toml", tree)
    return tree


@pytest.fixture(scope="module")
def contracts(root: Path) -> list[str]:
    config = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    return [contract["name"] for contract in config["tool"]["importlinter"]["contracts"]]


def test_the_house_stands(root: Path, contracts: list[str]) -> None:
    said = lint(root)
    assert verdicts(said) == dict.fromkeys(contracts, "KEPT"), said
    assert said.endswith("exit 0")


def test_every_contract_has_a_fault_that_breaks_it(contracts: list[str]) -> None:
    assert set(FAULTS) == set(contracts)


@pytest.mark.parametrize(("contract", "file", "line"), CASES, ids=[f"{file}: {line}" for _, file, line in CASES])
def test_a_planted_import_breaks_its_contract(copied: Path, contract: str, file: str, line: str) -> None:
    place = copied / file
    before = place.read_text(encoding="utf-8")
    place.write_text(f"{before}\n\n{line}\n", encoding="utf-8")
    try:
        said = lint(copied)
    finally:
        place.write_text(before, encoding="utf-8")
    assert verdicts(said).get(contract) == "BROKEN", said
    assert said.endswith("exit 1")


def test_a_door_that_nobody_uses_fails(copied: Path) -> None:
    config = copied / "pyproject.toml"
    before = config.read_text(encoding="utf-8")
    config.write_text(
        before.replace('"bot.slack -> aiohttp",', '"bot.slack -> aiohttp", "bot.clock -> httpx",'), "utf-8"
    )
    try:
        said = lint(copied)
    finally:
        config.write_text(before, encoding="utf-8")
    assert "No matches for ignored import bot.clock -> httpx" in said
    assert not said.endswith("exit 0")


def test_every_sdk_named_in_the_design_is_behind_a_door(root: Path) -> None:
    config = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    doors = next(one for one in config["tool"]["importlinter"]["contracts"] if one["name"] == DOORS)
    behind = {line.partition(" -> ")[2] for line in doors["ignore_imports"]}
    planted = {re.split(r"[ .]", line)[1] for _, line in FAULTS[DOORS]}
    assert planted == set(doors["forbidden_modules"])
    assert behind <= planted
