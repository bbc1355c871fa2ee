"""`muster`: the command line. Errors end with words: what happened, what to do.

Belongs here: commands and options. Does not belong here: what they do (cli.py, doctor.py, manifest.py, demo.py).
"""

from __future__ import annotations

import asyncio
import json as codec
import sys
from collections.abc import Callable, Coroutine
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from pydantic import ValidationError

from bot import cli_verbs, completing, record_verbs
from bot.printing import Commands, Group, reason, told
from playbooks.errors import MusterError, Refused
from storage.db import Unreachable

app = Commands(cls=Group, no_args_is_help=True, pretty_exceptions_enable=False, help=(
    "Muster: incident command and disaster recovery for Slack. `muster doctor` says what is missing."))  # fmt: skip


def _lines(context: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    return completing.line_words(settings, context.params.get("line") or [], incomplete)


def _incidents(incomplete: str) -> list[tuple[str, str]]:
    return completing.incident_words(settings, incomplete)


def _playbooks(incomplete: str) -> list[tuple[str, str]]:
    return completing.playbook_words(incomplete)


Line = Annotated[
    list[str],
    typer.Argument(help="A command without its slash: incident declare sev1 checkout is down", autocompletion=_lines),
]


def settings() -> Any:
    """The environment, typed; a wrong value ends here with its name."""
    from bot.settings import Settings

    return Settings()


def _run(work: Callable[[Any], Coroutine[Any, Any, int]]) -> None:
    """Run a coroutine on the settings and leave with its exit code."""
    from bot import cli

    found = settings()
    cli.logs(found.muster_log)
    raise typer.Exit(asyncio.run(work(found)))


@app.callback()
def _whose(context: typer.Context) -> None:
    """Muster: incident command and disaster recovery for Slack. `muster doctor` says what is missing."""
    from bot import auditing

    if context.invoked_subcommand and auditing.enrolled():
        auditing.guard(context.invoked_subcommand, settings())


@app.command(json=False)
def serve() -> None:
    """Everything in one process: the doors, the worker, cards, clock. Ends in order on SIGTERM."""
    from bot import cli

    _run(lambda found: cli.serve(found, ("web", "worker")))


@app.command(json=False)
def web() -> None:
    """Only the doors: receive, store, acknowledge."""
    from bot import cli

    _run(lambda found: cli.serve(found, ("web",)))


@app.command(json=False)
def worker() -> None:
    """Only the work: asks, runs, answers, cards, clock."""
    from bot import cli

    _run(lambda found: cli.serve(found, ("worker",)))


@app.command()
def migrate() -> None:
    """Bring the database to this version's schema."""
    from bot import record

    raise typer.Exit(record.migrated(settings().database_url))


@app.command()
def say(
    line: Line,
    as_user: Annotated[
        str, typer.Option("--as", help="Slack id to speak for, only against the sandbox; else it is you (`login`).")
    ] = "",
    channel: Annotated[str | None, typer.Option(help="Channel id it is said in.")] = None,
    wait: Annotated[float, typer.Option(help="Seconds to wait for answers.")] = 15.0,
    json: Annotated[bool, typer.Option("--json", help="Answers as JSON lines.")] = False,
) -> None:
    """Say a command from the terminal, through the same inbox as Slack, and print the answers."""
    from bot import cli

    whole = cli.one_line(line)
    if as_user:
        _run(lambda found: cli.say(found, whole, as_user=as_user, channel=channel, wait_s=wait, as_json=json))
    from bot import cli_person

    _run(lambda found: cli_person.say(found, whole, cli_person.How(wait, json)))


@app.command()
def watch(
    what: Annotated[
        str, typer.Argument(help="INC-42; left out: the one that is open.", autocompletion=_incidents)
    ] = "",
    once: Annotated[bool, typer.Option("--once", help="Show how it stands, and end.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Every event as a JSON line, as it was hashed.")] = False,
) -> None:
    """Watch an incident: how it stands, its runs, what waits, its timeline. Ends with it, or on Ctrl-C."""
    from bot import watching

    _run(lambda found: watching.watch(found, what, watching.How(once, json)))


@app.command(json=False)
def sandbox(
    port: Annotated[int, typer.Option(help="Port of the workspace; 0 takes any free one.")] = 0,
    bare: Annotated[bool, typer.Option("--bare", help="Only the stand-ins, no Muster beside them.")] = False,
    rate_factor: Annotated[float, typer.Option(help="Divides rate-limit times; 0 switches them off.")] = 1.0,
) -> None:
    """A local workspace: stand-ins for Slack, PagerDuty, Statuspage and AWS, and a Muster serving it."""
    from bot import cli
    from bot.sandbox import server

    cli.logs(settings().muster_log)
    if bare:
        asyncio.run(server.run(port, rate_factor=rate_factor))
    else:
        asyncio.run(cli.sandboxed(port, rate_factor))


@app.command()
def doctor(
    what: Annotated[
        Literal["all", "objectives"],
        typer.Argument(help="all, or objectives: which RTO and RPO cannot be met."),
    ] = "all",
    json: Annotated[bool, typer.Option("--json", help="Findings as one JSON object; objectives as a list.")] = False,
) -> None:
    """Look at everything that must be right before the first incident. Exit code 1 when something required is not."""
    from bot import doctor_objectives
    from bot.doctor import examine, objectives
    from bot.finding import findings_of

    if what == "objectives":
        short = asyncio.run(objectives(settings()))
        typer.echo(doctor_objectives.report(short, as_json=json))
        raise typer.Exit(1 if any(one.unmet for one in short) else 0)
    findings = asyncio.run(examine(settings()))
    if json:
        typer.echo(codec.dumps({"command": "doctor", **findings_of(findings)}, ensure_ascii=False))
        raise typer.Exit(1 if any(finding.state == "broken" for finding in findings) else 0)
    for finding in findings:
        typer.echo(f"{finding.mark} {finding.what}: {finding.text}")
    broken = [finding for finding in findings if finding.state == "broken"]
    typer.echo(f"\n{len(broken)} to repair." if broken else "\nReady.")
    raise typer.Exit(1 if broken else 0)


@app.command()
def policy(
    what: Annotated[Literal["show", "propose"], typer.Argument(help="show, or propose: ask people for it.")] = "show",
) -> None:
    """Which approvals, groups, people and permissions rule, and what files propose. Exit code 1: not this file's."""
    from bot import cli_policy

    _run(cli_policy.propose if what == "propose" else cli_policy.show)


@app.command()
def manifest(
    http: Annotated[bool, typer.Option("--http", help="For signed HTTP at MUSTER_URL instead of Socket Mode.")] = False,
) -> None:
    """Print the Slack app's manifest (YAML) for api.slack.com/apps."""
    from bot import manifest as found

    url = settings().muster_url or None
    if http and not url:
        raise typer.BadParameter("MUSTER_URL is not set: Slack needs Muster's public https address")
    made = found.manifest(url if http else None)
    told(manifest=made)
    typer.echo(found.as_yaml(made), nl=False)


@app.command()
def verify(
    what: Annotated[str, typer.Argument(help="Database URL, SQLite file or exported .jsonl file.")],
    anchor: Annotated[
        list[str] | None, typer.Option(help="From where anchors stand: a file, a folder, or INC-42@41:sha256:…")
    ] = None,
) -> None:
    """Check the record's chains; needs no configuration. Exit code 1 names the first bad event."""
    from bot import record

    raise typer.Exit(record.verified(what, anchor or ()))


@app.command()
def export(
    what: Annotated[
        str, typer.Argument(help="INC-42, INC-42/post-mortem, org, or a report: population, access-review, changes.")
    ],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File to write; else INC-42.FORMAT.")] = None,
    format: Annotated[
        Literal["jsonl", "csv", "md", "zip", "html", "pdf"],
        typer.Option(
            help="jsonl: every event as it was hashed; csv, md: to read; zip: evidence; html, pdf: post-mortem."
        ),
    ] = "jsonl",
    start: Annotated[str | None, typer.Option("--from", help="First day of a report, 2026-01-01.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="Last day of a report.")] = None,
) -> None:
    """Write a timeline or a report to a file. That it was made is itself an event of the `org` stream."""
    from bot import record, reporting, retold

    if retold.known(what):
        form = "md" if format == "jsonl" else format
        raise typer.Exit(retold.exported(settings().database_url, what, output, form))
    match format:
        case "html" | "pdf":
            raise Refused("A timeline is written as jsonl, csv, md or zip.", todo=f"Try {what}/post-mortem.")
    if reporting.known(what):
        raise typer.Exit(reporting.reported(settings().database_url, what, start, end, output, format))
    raise typer.Exit(record.exported(settings().database_url, what, output, format))


docs = Commands(no_args_is_help=True, help="What is built, as pages people read.")
app.add_typer(docs, name="docs")


@docs.command("playbooks")
def docs_playbooks(
    names: Annotated[
        list[str] | None, typer.Argument(help="failover/rds-multi-az …; none means all.", autocompletion=_playbooks)
    ] = None,
    into: Annotated[Path | None, typer.Option(help="A folder for one Markdown file each, with an index.")] = None,
) -> None:
    """Print playbooks as readable runbooks, with the words of their YAML."""
    from bot import documents

    raise typer.Exit(documents.playbooks(settings(), names or [], into))


@app.command()
def demo() -> None:
    """Play one incident in the local workspace, printed as the channel shows it."""
    from bot import demo as play

    raise typer.Exit(asyncio.run(play.run()))


@app.command()
def version() -> None:
    """Print the version."""
    told(version=metadata.version("muster"))
    typer.echo(metadata.version("muster"))


cli_verbs.add(app, _run)
record_verbs.add(app, settings)


def main() -> None:
    """The console script. What went wrong is said in words; only a fault of ours shows a traceback."""
    try:
        app()
    except (MusterError, Unreachable, ValidationError, OSError) as error:
        sys.stderr.write(f"{reason(error)}\n")
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None


if __name__ == "__main__":
    main()
