"""Database roles on PostgreSQL: the SQL with which each login can do its own part and nothing else.

Belongs here: which role may do what to which table, as SQL. Does not belong here: running it (an administrator does,
once per database, after `muster migrate`; twice does no harm), passwords, the triggers (migrations) that hold against
everybody. Roles are groups without a login: `GRANT muster_app TO the_login` gives a login its part.
"""

from __future__ import annotations

from collections.abc import Iterator

from storage import (  # noqa: F401  their tables join the metadata
    tables_captures,
    tables_guard,
    tables_services,
    tables_sessions,
    tables_triage,
)
from storage.tables import metadata

APP, MIGRATOR, PRUNER = "muster_app", "muster_migrator", "muster_pruner"
AUDITOR, REPORTING = "muster_auditor", "muster_reporting"
ROLES = {
    APP: "runs Muster: cannot UPDATE, DELETE or TRUNCATE events, erases texts and nothing else of them, no DDL",
    MIGRATOR: "owns the tables and changes their shape (`muster migrate`); not a login that runs all day",
    PRUNER: "deletes whole streams past their retention (`muster prune`) and nothing else",
    AUDITOR: "reads the record with its texts, to verify and export it; no secrets, writes nothing",
    REPORTING: "reads numbers, times and states: no names, nothing that people typed",
}
# What the application may change of the tables that are the record, column by column. "" is: nothing.
APP_UPDATES = {
    "events": "",
    "texts": "salt, text, erased_at",  # the trigger lets it only empty them
    "streams": "seq, hash, at",
    "counters": "value",
    "documents": "body, sha256",
    "anchors": "",
    "placements": "",
    "pruned": "",
    "holds": "until, reason",
    "escrow": "opened",
}
APP_READS_ONLY = ("pruned",)
# What the application deletes from: beliefs and locks, never the record. Accounts and factors: erasing a person.
APP_DELETES = ("people", "accounts", "memberships", "oncall", "roles", "locks", "factors", "sessions")
PRUNER_DELETES = (
    "events", "texts", "documents", "runs", "steps", "approvals", "votes", "reviews", "locks", "roles", "cards",
    "inbox", "replies", "escrow", "alerts", "triage",
    "captures",
)  # fmt: skip
PRUNER_UPDATES = {
    "streams": "seq, hash, at", "incidents": "title, resolution, latest_update, facts, origin_channel, revision",
    "decisions": "reason", "holds": "reason", "timers": "due_at, payload, state",
}  # fmt: skip
PRUNER_INSERTS = ("streams", "events", "texts", "pruned", "timers")
# Columns nobody who only reads may see.
HIDDEN = {
    "factors": ("secret",),
    "credentials": ("digest",),
    "sessions": ("digest", "former", "csrf"),
    "escrow": ("sealed",),
    "inbox": ("line", "values", "response_url"),
    "replies": ("body",),
}
# Names and typed words, left out of what reporting sees; tables that hold little else are left out whole.
WORDS = {
    "incidents": ("title", "resolution", "latest_update", "facts", "origin_channel"),
    "runs": ("text", "inputs", "requester_account", "reason", "stop_asked"),
    "steps": ("params", "plan", "outputs", "question", "answer", "note", "error"),
    "approvals": ("covers", "plan", "barred", "reason", "paged", "overrides"),
    "votes": ("account", "reason"),
    "decisions": ("body", "reason"),
    "decision_votes": ("account", "reason"),
    "reviews": ("reason",),
    "holds": ("reason",),
    "timers": ("payload",),
    "memberships": ("source",),
    "triage": ("grp", "title", "url", "note"),
    "alerts": ("fingerprint", "title", "url"),
}
UNREPORTED = (
    "texts", "documents", "people", "accounts", "policies", "inbox", "replies", "factors", "proofs", "credentials",
    "escrow", "refreshes", "cards", "sessions",
)  # fmt: skip


def sql() -> str:
    """The whole script, for psql or an administrator's tool, in one transaction."""
    parts = ["-- Roles of Muster. Run as an administrator, in Muster's database, after `muster migrate`.", "BEGIN;"]
    parts += [f"{statement};" for statement in statements()]
    parts += ["COMMIT;", "-- Then give each login its part:"]
    parts += [f"--   GRANT {role} TO …;  -- {why}" for role, why in ROLES.items()]
    return "\n".join(parts) + "\n"


def statements() -> Iterator[str]:
    """Each statement without its semicolon, in order. Running them again changes nothing."""
    for role in ROLES:
        yield f"DO $$ BEGIN CREATE ROLE {role} NOLOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$"
    everybody = ", ".join(ROLES)
    tables = sorted([*metadata.tables, "alembic_version"])
    yield "REVOKE ALL ON SCHEMA public FROM PUBLIC"
    yield (
        "DO $$ BEGIN EXECUTE format('REVOKE CREATE, TEMPORARY ON DATABASE %I FROM PUBLIC', current_database()); "
        f"EXECUTE format('GRANT CONNECT ON DATABASE %I TO {everybody}', current_database()); END $$"
    )
    yield f"GRANT USAGE ON SCHEMA public TO {everybody}"
    yield f"GRANT CREATE ON SCHEMA public TO {MIGRATOR}"
    for table in tables:
        yield f"ALTER TABLE {table} OWNER TO {MIGRATOR}"
        yield f"REVOKE ALL ON {table} FROM PUBLIC, {', '.join(role for role in ROLES if role != MIGRATOR)}"
    for table in sorted(metadata.tables):
        yield from _app(table)
    yield from _pruner()
    yield from _readers()
    yield f"GRANT SELECT ON alembic_version TO {APP}, {PRUNER}, {AUDITOR}"


def _app(table: str) -> Iterator[str]:
    yield f"GRANT SELECT{'' if table in APP_READS_ONLY else ', INSERT'} ON {table} TO {APP}"
    columns = APP_UPDATES.get(table)
    if columns is None:
        yield f"GRANT UPDATE ON {table} TO {APP}"
    elif columns:
        yield f"GRANT UPDATE ({columns}) ON {table} TO {APP}"
    if table in APP_DELETES:
        yield f"GRANT DELETE ON {table} TO {APP}"


def _pruner() -> Iterator[str]:
    for table in sorted(metadata.tables):
        hidden = () if table in PRUNER_DELETES else HIDDEN.get(table, ())
        yield f"GRANT SELECT{_without(table, hidden)} ON {table} TO {PRUNER}"
    yield from (f"GRANT DELETE ON {table} TO {PRUNER}" for table in PRUNER_DELETES)
    yield from (f"GRANT INSERT ON {table} TO {PRUNER}" for table in PRUNER_INSERTS)
    yield from (f"GRANT UPDATE ({columns}) ON {table} TO {PRUNER}" for table, columns in PRUNER_UPDATES.items())


def _readers() -> Iterator[str]:
    for table in sorted(metadata.tables):
        yield f"GRANT SELECT{_without(table, HIDDEN.get(table, ()))} ON {table} TO {AUDITOR}"
        if table not in UNREPORTED:
            yield f"GRANT SELECT{_without(table, WORDS.get(table, ()))} ON {table} TO {REPORTING}"


def _without(table: str, hidden: tuple[str, ...]) -> str:
    """` (a, b)` of the columns that are left, or "" for all of them."""
    if not hidden:
        return ""
    left = [f'"{column.name}"' for column in metadata.tables[table].columns if column.name not in hidden]
    return f" ({', '.join(left)})"
