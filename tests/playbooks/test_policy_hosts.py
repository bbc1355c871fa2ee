"""Sections `hosts` and `commands`: what the file may not say."""

from __future__ import annotations

from typing import Any

import pytest

from playbooks.errors import Refused
from playbooks.policy import parse_policy

START = "severities: {sev1: {title: a}}\nsites: {primary: {region: x}}\n"
HOST = "address: a, key: env://K, host_key: ssh-ed25519 AAAA"
HOSTS = f"hosts:\n  one: {{{HOST}, site: primary}}\n  two: {{{HOST}}}\n"
LOOK = "  look: {title: t, hosts: [one, two], argv: [ls], risk: read}\n"


def refusal(text: str) -> str:
    with pytest.raises(Refused) as caught:
        parse_policy(START + text, "m.yaml")
    return caught.value.message


@pytest.mark.parametrize(
    ("host", "words"),
    [
        ("address: a, key: env://K", "host_key or host_ca"),
        ("key: env://K, host_key: k", "needs address and key"),
        ("via: ssm", "needs its instance id"),
        ("address: a, key: hunter22, host_key: k", "is not a secret reference"),
        (f"{HOST}, site: mars", "there is no site mars"),
    ],
)
def test_hosts(host: str, words: str) -> None:
    said = refusal(f"hosts:\n  one: {{{host}}}\n")
    assert words in said and "m.yaml:4" in said and "hunter22" not in said


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ("argv: [rm, '{path}'], risk: write", "uses path, which is no argument"),
        ("argv: [rm], risk: write, arguments: {a: {type: identifier}}", "a is not used in argv"),
        ("argv: ['{a}'], risk: write, arguments: {a: {type: identifier}}", "the program itself cannot be"),
        (
            "argv: [sh, -c, 'ls {a}'], risk: read, arguments: {a: {type: identifier}}",
            "pass it behind the script, as $1",
        ),
        ("argv: [sudo, /bin/bash, -ec, 'ls {a}'], risk: read, arguments: {a: {type: identifier}}", "as $1"),
        ("argv: [python3, -c, 'print({a})'], risk: read, arguments: {a: {type: identifier}}", "as $1"),
        ("argv: [ls], risk: contain", "names its undo"),
        ("argv: [ls], risk: read, undo: look", "has no undo"),
        ("argv: [ls], risk: irreversible, undo: look", "has no undo"),
        ("argv: [ls], risk: read, probe: look", "needs neither before nor probe"),
        ("argv: [ls], risk: write, cwd: here", "cwd is an absolute folder"),
        ("argv: [ls, '{a}'], risk: write, arguments: {a: {type: path, below: /}}", "not the root"),
        ("argv: [ls, '{a}'], risk: write, arguments: {a: {type: choice}}", "a choice needs choices"),
        ("argv: [ls, '{a}'], risk: write, arguments: {a: {type: name}}", "a name needs a pattern"),
        ("argv: [ls, '{a}'], risk: write, arguments: {a: {type: integer, default: x}}", "no whole number"),
        ("argv: [ls], risk: write, expects: {most: {used: 1}}", "used is no named group"),
        ("argv: [ls], risk: write, probe: lok", "no command lok"),
        ("argv: [ls], risk: write, probe: change", "what only looks is of risk read"),
        ("argv: [ls], risk: write, undo: erase", "an undo changes something and hurts no more than write"),
        ("argv: [ls], risk: contain, undo: close", "closes access; an undo opens it again"),
        ("argv: [ls], risk: write, before: elsewhere", "may not run on one"),
        ("argv: [ls], risk: write, before: {command: wants, with: {b: x}}", "takes no b"),
        ("argv: [ls], risk: write, before: wants", "wants needs a"),
        ("argv: [ls], risk: write, before: {command: wants, with: {a: 'x y'}}", "cannot take this a"),
    ],
)
def test_commands(fields: str, words: str) -> None:
    others = (
        "  change: {title: t, hosts: [one, two], argv: [ls], risk: write}\n"
        "  erase: {title: t, hosts: [one, two], argv: [ls], risk: irreversible}\n"
        "  close: {title: t, hosts: [one, two], argv: [ls], risk: contain, undo: change}\n"
        "  elsewhere: {title: t, hosts: [two], argv: [ls], risk: read}\n"
        "  wants: {title: t, hosts: [one], argv: [ls, '{a}'], risk: read, arguments: {a: {type: identifier}}}\n"
    )
    said = refusal(f"{HOSTS}commands:\n{LOOK}{others}  bad: {{title: t, hosts: [one], {fields}}}\n")
    assert words in said and said.count("\n") == 0, said


def test_a_script_takes_its_arguments_behind_it() -> None:
    good = "argv: [sh, -c, 'ls \"$1\"', sh, '{a}'], risk: read, arguments: {a: {type: identifier}}"
    policy = parse_policy(f"{START}{HOSTS}commands:\n{LOOK}  good: {{title: t, hosts: [one], {good}}}\n", "m.yaml")
    assert policy.commands["good"].argv[2] == 'ls "$1"' and policy.hosts["two"].name == "two"


def test_the_example_names_every_key(example_text: str) -> None:
    from playbooks.policy_hosts import Argument, Command, Expects, Host, Rows

    for model in (Host, Command, Argument, Expects, Rows):
        for name, info in model.model_fields.items():
            assert f"{info.alias or name}:" in example_text, f"{model.__name__}.{name} is not in the example"


@pytest.fixture
def example_text() -> Any:
    from pathlib import Path

    return (Path(__file__).resolve().parents[2] / "muster.example.yaml").read_text(encoding="utf-8")
