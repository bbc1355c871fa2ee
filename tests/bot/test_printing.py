"""`--json` for everything that prints, and the exit codes of docs/terminal.md: one walk over all commands there are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from bot import cli
from bot.__main__ import app
from bot.finding import Finding, findings_of, ok
from playbooks.errors import Refused
from storage import migrate

# These run until somebody stops them, or need somebody to read along.
RUN_ON = {"serve", "web", "worker", "sandbox", "login"}
# Those with an object or lines of their own.
OWN = {"say", "watch", "approve", "deny", "status", "doctor"}
# What to type behind each; {folder} is the test's own. A command that is new here fails the walk until it has a line.
TYPED: dict[str, tuple[list[str], int]] = {
    "migrate": ([], 0),
    "say": (["incident", "list"], 1),
    "watch": (["INC-1"], 1),
    "doctor": (["objectives"], 1),
    "policy": ([], 0),
    "manifest": ([], 0),
    "verify": (["{folder}/x.db"], 1),
    "export": (["INC-1", "-o", "{folder}/out.jsonl"], 1),
    "version": ([], 0),
    "logout": ([], 1),
    "approve": (["INC-1/1"], 1),
    "deny": (["INC-1/1", "no"], 1),
    "status": ([], 1),
    "key": ([], 0),
    "prune": (["--to", "{folder}/pruned", "--dry-run"], 0),
    "grants": ([], 0),
    "escrow": (["P-AAAAAAAAAAAA"], 1),
    "keys": ([], 1),
    "docs playbooks": (["failover/rds-multi-az"], 0),
    "demo": ([], 0),
}


def every(group: Any, before: str = "") -> Iterator[tuple[str, Any]]:
    """Name -> command, those of sub-groups as "docs playbooks"."""
    for name, one in group.commands.items():
        if hasattr(one, "commands"):
            yield from every(one, f"{before}{name} ")
        else:
            yield f"{before}{name}", one


def commands() -> dict[str, Any]:
    """All of `muster --help`."""
    return dict(every(typer.main.get_command(app)))


def test_everything_that_prints_has_the_option_and_a_line_here() -> None:
    found = commands()
    without = {name for name, one in found.items() if not any("--json" in option.opts for option in one.params)}
    assert without == RUN_ON
    assert set(found) - RUN_ON == set(TYPED)


def test_each_says_it_as_json_and_ends_with_its_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"sqlite:///{tmp_path / 'x.db'}"
    migrate.upgrade(url)
    monkeypatch.setattr(cli, "logs", lambda level: None)  # it would keep the runner's streams
    for name, value in {
        "DATABASE_URL": url, "XDG_CONFIG_HOME": str(tmp_path), "MUSTER_CONFIG": "muster.example.yaml"
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    for name, (words, code) in TYPED.items():
        if name == "demo":
            continue  # a minute of its own (tests of the demo)
        given = [word.format(folder=tmp_path) for word in words]
        ended: Result = CliRunner().invoke(app, [*name.split(), *given, "--json"])
        assert ended.exit_code == code, (name, ended.output, ended.exception)
        if name in OWN:
            found = json.loads(ended.stdout)
            assert name != "doctor" or isinstance(found, list)
            assert name == "doctor" or (found["command"], found["ok"], found["exit_code"]) == (name, False, code)
            assert name == "doctor" or "INC-1" in found["error"] or "muster login" in found["error"]
            continue
        row = json.loads(ended.stdout)
        assert row["command"] == name.split()[-1] and row["exit_code"] == code and row["ok"] is (code == 0), name
        assert row["lines"] or row.get("error"), name
        assert bool(row.get("error")) == (ended.exception is not None and not isinstance(ended.exception, SystemExit))


def test_what_a_command_knows_stands_in_the_object(tmp_path: Path) -> None:
    def said(*words: str) -> Any:
        return json.loads(CliRunner().invoke(app, [*words, "--json"]).stdout)

    assert said("version")["version"] == said("version")["lines"][0]
    assert "slash_commands" in said("manifest")["manifest"]["features"]
    made = said("key")
    assert made["lines"] == [made["key"]] and len(made["key"]) > 20
    file = tmp_path / "none.jsonl"
    assert "There is no file" in said("verify", str(file))["error"]
    file.write_text("", encoding="utf-8")
    (stream,) = said("verify", str(file))["streams"]
    assert stream["ok"] is False and stream["bad"] == "there is no event in it"
    found = findings_of([ok("Policy", "fine"), Finding("Slack", "broken", "no token")])
    assert found["ok"] is False and found["findings"][1] == {"what": "Slack", "state": "broken", "text": "no token"}


def test_words_that_are_not_understood_end_with_2() -> None:
    for words in (["sya"], ["export"], ["verify", "x", "--colour"], ["policy", "explode"], ["manifest", "--http"]):
        ended = CliRunner().invoke(app, words)
        assert ended.exit_code == 2 and "Traceback" not in ended.output and not ended.stdout, words
        row = json.loads(CliRunner().invoke(app, [*words, "--json"]).stdout)
        assert row["command"] == words[0] and row["error"] and (row["ok"], row["exit_code"]) == (False, 2), words


def test_a_database_without_tables_is_said_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "logs", lambda level: None)
    url = f"sqlite:///{tmp_path / 'empty.db'}"
    for name, value in {
        "DATABASE_URL": url, "XDG_CONFIG_HOME": str(tmp_path), "MUSTER_CONFIG": "muster.example.yaml"
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    (tmp_path / "empty.db").touch()
    for words in (["watch"], ["export", "INC-1"], ["verify", url]):
        ended = CliRunner().invoke(app, words)
        assert isinstance(ended.exception, Refused) and "muster migrate" in str(ended.exception), words
        assert "muster migrate" in json.loads(CliRunner().invoke(app, [*words, "--json"]).stdout)["error"], words


def test_a_wrong_environment_is_named_without_its_value(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUSTER_KEY", "a-secret-of-the-wrong-length")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    for words in (["migrate"], ["watch", "INC-1"]):
        (row,) = [json.loads(line) for line in CliRunner().invoke(app, [*words, "--json"]).stdout.splitlines()]
        assert row["exit_code"] == 1 and "MUSTER_KEY" in row["error"] and "a-secret" not in json.dumps(row), words
