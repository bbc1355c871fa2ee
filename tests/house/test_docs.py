"""Docs fail when they are stale: examples load, commands parse, names exist, tables are what the code says.

`UPDATE_DOCS=1 pytest tests/house/test_docs.py` writes docs/commands.md and the table of docs/configuration.md again.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import typer
from ruamel.yaml import YAML

from bot.__main__ import app
from bot.settings import Settings
from commands.command import TOPICS, Command, load_commands
from commands.dispatch import Dispatch
from commands.fields import fields_of, parse, usage
from commands.helping import first_of, in_order
from playbooks.engine.library import BUILT_IN, Library
from playbooks.engine.load import load_text
from playbooks.errors import Refused
from playbooks.policy import Policy, load_policy, parse_policy
from storage.db import Database
from storage.export import write_jsonl
from storage.timeline import Entry, append

ROOT = Path(__file__).resolve().parents[2]
DOCS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
IDS = [doc.relative_to(ROOT).as_posix() for doc in DOCS]
NOW = datetime(2026, 11, 20, 14, 20, tzinfo=UTC)
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINE = re.compile(rf"(?<![\w./])/(?:{'|'.join(TOPICS)})(?![\w/])[^`\n#|\"]*")
SAID = re.compile(r"muster say ['\"]([^'\"]+)['\"]")
ELIDED = re.compile(r"[<\[…]|\.\.\.")
PERSON = re.compile(r"(?<!\S)@(\w+)")  # what Slack makes of a person picked from its list
VARIABLE = re.compile(r"^\| `([A-Z_]+)` \|", re.MULTILINE)
every_doc = pytest.mark.parametrize("doc", DOCS, ids=IDS)


@pytest.fixture(scope="module")
def policy() -> Policy:
    return load_policy(ROOT / "muster.example.yaml")


@pytest.fixture(scope="module")
def dispatch() -> Dispatch:
    return Dispatch(None)  # type: ignore[arg-type]


# --- YAML -----------------------------------------------------------------------------------------------------------


def wrong_yaml(text: str) -> Iterator[str]:
    """Blocks that are neither a playbook that loads nor sections of a policy that loads."""
    for language, body in BLOCK.findall(text):
        if language in ("yaml", "yml"):
            try:
                _load(body)
            except (Refused, ValueError) as error:
                yield f"{body.splitlines()[0]}: {error}"


def _load(body: str) -> None:
    yaml = YAML(typ="safe")
    found = yaml.load(StringIO(body))
    if not isinstance(found, dict):
        raise ValueError("neither a playbook nor sections of a policy")
    if "steps" in found:
        load_text(body, "example.yaml")
        return
    example = yaml.load((ROOT / "muster.example.yaml").read_text(encoding="utf-8"))
    if unknown := set(found) - set(Policy.model_fields):
        raise ValueError(f"neither a playbook nor sections of a policy: {sorted(unknown)}")
    out = StringIO()
    yaml.dump({**example, **found}, out)
    parse_policy(out.getvalue())


@every_doc
def test_every_example_loads(doc: Path) -> None:
    assert list(wrong_yaml(doc.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "body",
    ["name: comms/x\ntitle: x\nsteps:\n  - {id: a, uses: slack.pots, with: {}}\n", "approvals: {peple: 2}\n", "a: 1\n", "- a\n"],
)  # fmt: skip
def test_a_planted_stale_example_is_found(body: str) -> None:
    assert len(list(wrong_yaml(f"text\n```yaml\n{body}```\n"))) == 1


# --- commands -------------------------------------------------------------------------------------------------------


def wrong_lines(text: str, dispatch: Dispatch, policy: Policy, library: Library) -> Iterator[str]:
    """`/incident …` and `/playbook …` lines that Muster would refuse. Lines with <holes> must name a real verb."""
    for line in [*LINE.findall(text), *SAID.findall(text)]:
        try:
            found = dispatch.find(PERSON.sub(r"<@U0BEN|\1>", line.strip().rstrip(".,:;)*")))
            if found.rest.strip() and not ELIDED.search(line):
                command = parse(found.cls, found.rest.strip(), policy=policy, now=NOW)
                if name := getattr(command, "playbook", ""):
                    library.find(name)
        except Refused as error:
            yield f"{line.strip()}: {error}"


@every_doc
def test_every_command_shown_is_understood(doc: Path, dispatch: Dispatch, policy: Policy) -> None:
    assert list(wrong_lines(doc.read_text(encoding="utf-8"), dispatch, policy, Library())) == []


@pytest.mark.parametrize(
    "text",
    ["Type `/incident declaer sev1 x`.", "`/incident declare sev9 checkout is down`", "```\n/playbook aprove\n```",
     "`/playbook run failover/rds service=checkout`", "`/playbook aproove <run>`", 'muster say "playbook run"x "playbok x"'],
)  # fmt: skip
def test_a_planted_stale_command_is_found(text: str, dispatch: Dispatch, policy: Policy) -> None:
    text = text.replace('"playbook run"x "playbok x"', '"playbok run"')
    assert len(list(wrong_lines(text, dispatch, policy, Library()))) == 1


@pytest.mark.parametrize("words", sorted(load_commands()))
def test_every_command_has_examples_that_are_understood(words: str, dispatch: Dispatch, policy: Policy) -> None:
    cls = load_commands()[words]
    assert cls.examples
    assert cls.summary()
    text = "\n".join(f"`/{example}`" for example in cls.examples)
    assert list(wrong_lines(text, dispatch, policy, Library())) == []


def unknown_verbs(sources: list[Any]) -> Iterator[str]:
    """Verbs that Muster tells people to type and that do not exist."""
    known = set(load_commands())
    for source in sources:
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                for words in re.findall(r"`/((?:incident|playbook) [a-z][a-z-]*)", node.value):
                    if words not in known:
                        yield f"{source.path}:{node.lineno}: /{words}"


def test_muster_only_speaks_of_commands_there_are(house: list[Any]) -> None:
    assert list(unknown_verbs([source for source in house if not source.path.startswith("bot/sandbox/")])) == []


def test_a_planted_unknown_verb_is_found(planted: Callable[..., Any]) -> None:
    sources = planted(
        {"commands/x.py": 'def f(run):\n    return f"`/playbook unmake {run}` or `/playbook abort {run}`"\n'}
    )
    assert list(unknown_verbs(sources)) == ["commands/x.py:2: /playbook unmake"]


# --- names ----------------------------------------------------------------------------------------------------------


def unknown_options(text: str) -> Iterator[str]:
    """`muster …` lines with options or sub-commands that are not there."""
    code = "\n".join([*re.findall(r"`([^`\n]+)`", text), *(body for _, body in BLOCK.findall(text))])
    for line in re.findall(r"(?:^|\$ |\bBIN/)(muster [a-z][^\n|;#]*)", code, re.MULTILINE):
        at: Any = typer.main.get_command(app)
        for word in line.split()[1:]:
            if hasattr(at, "commands"):
                at = at.commands.get(word, at)
            elif word.startswith("--") and word.partition("=")[0].strip("`,.)") not in {
                option for one in at.params for option in one.opts
            }:
                yield f"{line.strip()}: {word}"


@every_doc
def test_every_option_shown_is_there(doc: Path) -> None:
    assert list(unknown_options(doc.read_text(encoding="utf-8"))) == []


def test_a_planted_unknown_option_is_found() -> None:
    assert list(unknown_options("`muster watch INC-42 --colour` and `muster export INC-1 --format zip`")) == [
        "muster watch INC-42 --colour: --colour"
    ]


def missing(text: str, doc: Path) -> Iterator[str]:
    """Links, files, tests, make targets and `muster` commands that a text names and that are not there."""
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    cli = {info.name or info.callback.__name__ for info in app.registered_commands if info.callback}
    cli |= {group.name for group in app.registered_groups if group.name}
    code = "\n".join([*re.findall(r"`([^`\n]+)`", text), *(body for _, body in BLOCK.findall(text))])
    yield from (f"make {name}" for name in re.findall(r"(?:^|[\s;&])make ([a-z]+)", code) if name not in targets)
    yield from (f"make {name}" for name in re.findall(r"(?<!\w)make ([a-z]+)`", text) if name not in targets)
    yield from (
        f"muster {name}" for name in re.findall(r"(?:^|\$ )muster ([a-z]+)", code, re.MULTILINE) if name not in cli
    )
    for link in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
        if "://" not in link and not (doc.parent / link).exists():
            yield f"link {link}"
    inline = re.findall(r"`([^`\n]+)`", text)
    for name in inline:
        found = re.match(r"((?:bot|commands|playbooks|storage|tests|docs)/[\w./-]*?)(?:::(\w+))?$", name)
        if found and not (ROOT / found[1]).exists():
            yield found[1]
        elif found and found[2] and not re.search(rf"def {found[2]}\b", (ROOT / found[1]).read_text(encoding="utf-8")):
            yield name


@every_doc
def test_everything_named_is_there(doc: Path) -> None:
    assert list(missing(doc.read_text(encoding="utf-8"), doc)) == []


@pytest.mark.parametrize(
    "text",
    ["`make tset`", "```\nmake demmo\n```", "`muster serv`", "[here](docs/nowhere.md)", "`tests/house/test_nothing.py`",
     "`tests/house/test_docs.py::test_no_such`", "`playbooks/engine/runner.py`"],
)  # fmt: skip
def test_a_planted_missing_name_is_found(text: str) -> None:
    assert set(missing(text, ROOT / "README.md"))


# --- what is drawn from the code ------------------------------------------------------------------------------------


def commands_page() -> str:
    """docs/commands.md, from the commands themselves."""
    parts = [
        "# Commands",
        "Drawn from the commands themselves (`UPDATE_DOCS=1`); a test holds this page equal to them. The same lines work "
        "typed in Slack, pressed as buttons, and in a terminal with `muster say`.",
    ]
    for topic in TOPICS:
        parts.append(f"## /{topic}")
        mine = [cls for words, cls in load_commands().items() if words.startswith(f"{topic} ")]
        parts.append("\n".join(["First:", "", *(f"- `/{cls.examples[0]}` {cls.summary()}" for cls in first_of(topic))]))
        for group in [*in_order({cls.group for cls in mine if cls.group}), ""]:
            if not any(cls.group == group for cls in mine):
                continue
            parts.append(f"### {group or 'Pressed, not typed'}")
            parts += [_command(cls) for cls in mine if cls.group == group]
    return "\n\n".join(parts) + "\n"


def _command(cls: type[Command]) -> str:
    more = [line.strip() for line in (cls.__doc__ or "").strip().splitlines()[1:] if line.strip()]
    asks = {"everyone": "every person of the workspace", "anyone": "anybody; whether it counts is decided and recorded"}
    who = asks.get(cls.who, f"policy `permissions.{cls.who}`")
    lines = [f"**`{usage(cls)}`** {cls.summary()}.", *more, ""]
    lines += [f"- `{_as_typed(field.name)}`: {field.arg.say}" for field in fields_of(cls) if field.arg.say]
    where = {"nowhere": "", "here": " Where: in an incident's channel it is about that incident.",
             "incident": " Where: in its channel, or with its id (INC-42)."}  # fmt: skip
    lines += [f"- Who: {who}.{where[cls.place]}"]
    if cls.fresh:
        lines += ['- An ask that could not be handled within `approvals.ask_max_age` is answered "too late".']
    lines += [f"- For example: {', '.join(f'`/{example}`' for example in cls.examples)}"]
    return "\n".join(lines)


def _as_typed(name: str) -> str:
    return name.rstrip("_")  # `from=`, which Python keeps for itself, is the field from_


def variables_table() -> str:
    """The table of environment variables, from bot/settings.py."""
    rows = ["| variable | default | what it is |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = field.get_default()
        shown = f"`{default}`" if default not in (None, "", ()) else "—"
        rows.append(f"| `{name.upper()}` | {shown} | {field.description} |")
    return "\n".join(rows)


def test_the_page_of_commands_is_what_they_say() -> None:
    page = ROOT / "docs/commands.md"
    if os.environ.get("UPDATE_DOCS"):
        page.write_text(commands_page(), encoding="utf-8")
    assert page.read_text(encoding="utf-8") == commands_page(), "UPDATE_DOCS=1 draws it again"


def test_every_variable_is_documented_and_nothing_else() -> None:
    page = ROOT / "docs/configuration.md"
    text = page.read_text(encoding="utf-8")
    table = re.search(r"^\| variable \|.*?(?=\n\n)", text, re.MULTILINE | re.DOTALL)
    assert table
    if os.environ.get("UPDATE_DOCS"):
        text = text.replace(table[0], variables_table())
        page.write_text(text, encoding="utf-8")
    assert variables_table() in text, "UPDATE_DOCS=1 draws it again"
    assert VARIABLE.findall(text) == [name.upper() for name in Settings.model_fields]
    assert all(len(field.description or "") > 10 for field in Settings.model_fields.values())


def read_elsewhere(sources: list[Any]) -> Iterator[str]:
    """Environment variables read by name outside the settings."""
    for source in sources:
        for name in re.findall(r"environ(?:\.get\(|\[)\"([A-Z_]+)\"|getenv\(\"([A-Z_]+)\"", source.text):
            yield f"{source.path}: {''.join(name)}"


def test_the_environment_is_read_in_one_place(house: list[Any]) -> None:
    outside = ("bot/settings.py", "bot/sandbox/", "storage/migrations/")
    found = [line for line in read_elsewhere(house) if not line.startswith(outside)]
    known = {name.upper() for name in Settings.model_fields}
    assert [line for line in found if line.rpartition(" ")[2] not in known] == []


def test_a_planted_variable_is_found(planted: Callable[..., Any]) -> None:
    sources = planted({"bot/x.py": 'import os\nx = os.environ.get("MUSTER_X")\ny = os.environ["MUSTER_Y"]\n'})
    assert list(read_elsewhere(sources)) == ["bot/x.py: MUSTER_X", "bot/x.py: MUSTER_Y"]


def test_the_example_policy_names_only_variables_it_explains() -> None:
    text = (ROOT / "muster.example.yaml").read_text(encoding="utf-8")
    used = set(re.findall(r"\$\{([A-Z_]+)", text)) - {"NAME"}
    explained = (ROOT / "docs/configuration.md").read_text(encoding="utf-8")
    assert {name for name in used if f"`{name}`" not in explained} == set()


# --- the record, checked by hand --------------------------------------------------------------------------------------


async def exported(db: Database, file: Path) -> list[str]:
    """A small record as `muster export` writes it, a line an event."""
    note = Entry("incident.note", "P-1", {"n": 1, "at": NOW}, {"text": "Größe \u2028 “quoted” 🙂"}, source_at=NOW)
    await db.write(lambda tx: append(tx, "INC-1", note, Entry("incident.note", "P-2", {}, {"text": "two"})))
    await db.write(lambda tx: append(tx, "org", Entry("stream.anchored", "muster", {"stream": "INC-1", "seq": 2})))
    with file.open("w", encoding="utf-8", newline="\n") as out:
        await db.read(lambda tx: [write_jsonl(tx, stream, out) for stream in ("INC-1", "org")])
    return file.read_text(encoding="utf-8").split("\n")


def by_hand(root: Path, file: Path) -> subprocess.CompletedProcess[str]:
    """Run the program that docs/timeline.md shows."""
    (program,) = [
        body for language, body in BLOCK.findall((root / "docs/timeline.md").read_text("utf-8")) if language == "python"
    ]
    return subprocess.run([sys.executable, "-I", "-c", program, str(file)], capture_output=True, text=True, check=False)


async def test_the_check_by_hand_works(db: Database, root: Path, tmp_path: Path) -> None:
    file = tmp_path / "INC-1.jsonl"
    lines = await exported(db, file)
    good = by_hand(root, file)
    assert good.returncode == 0, good.stderr
    assert "'INC-1': '2 events" in good.stdout
    for wrong in (
        [lines[0].replace('"actor": "P-1"', '"actor": "P-9"'), *lines[1:]],
        [lines[0].replace("Größe", "Grösse"), *lines[1:]],
        [lines[1], *lines[2:]],
        [lines[1], lines[0], *lines[2:]],
    ):
        file.write_text("\n".join(wrong), encoding="utf-8", newline="\n")
        assert "AssertionError" in by_hand(root, file).stderr


# --- decisions, and what never stands in a file ---------------------------------------------------------------------


def test_every_decision_says_why(root: Path) -> None:
    files = sorted((root / "docs/decisions").glob("*.md"))
    assert [file.name[:4] for file in files] == [f"{n:04}" for n in range(1, len(files) + 1)]
    for file in files:
        text = file.read_text(encoding="utf-8")
        assert re.match(rf"# {int(file.name[:4])}\. \S", text), file.name
        assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Context", "Decision", "Why", "Consequences"], file.name


def test_every_built_in_playbook_is_listed(root: Path) -> None:
    text = (root / "docs/playbooks.md").read_text(encoding="utf-8")
    names = [file.relative_to(BUILT_IN).with_suffix("").as_posix() for file in BUILT_IN.rglob("*.yaml")]
    assert [name for name in names if f"| `{name}` |" not in text] == []


def machine_words(path: str, text: str) -> Iterator[str]:
    """Places of one machine and addresses of package registries."""
    words = [
        "/" + "work/",
        "/" + "root/",
        "/" + "home/",
        "pypi" + ".org",
        "python" + "hosted",
        "artifact" + "ory",
        "index" + "-url =",
    ]
    yield from (f"{path}: {word}" for word in words if word in text)


def test_no_file_knows_the_machine_it_was_written_on(root: Path) -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=root, capture_output=True, text=True, check=False).stdout.split(
        "\n"
    )
    if not any(listed):
        pytest.skip("not a checkout")
    texts = [(name, (root / name)) for name in listed if name and (root / name).is_file()]
    found = [
        line for name, file in texts for line in machine_words(name, file.read_text(encoding="utf-8", errors="ignore"))
    ]
    assert found == []


def test_a_planted_machine_path_is_found() -> None:
    assert list(machine_words("x.md", "see /" + "work/main")) == ["x.md: /" + "work/"]
