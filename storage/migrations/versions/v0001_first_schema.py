"""The first schema: every table, and the triggers that keep the record append-only.

Belongs here: what stood on the first day, for good. A later change is a later revision, never an edit of this one.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from storage.types import UtcTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

LAW = "The timeline is append-only (no effect without an entry, no entry by hand)"
ERASE_ONLY = "a text is only ever erased: text and salt to NULL, with erased_at"


def upgrade() -> None:
    """From nothing to the first schema."""
    _record()
    _incidents()
    _runs()
    _approvals()
    _people()
    _inbox_and_replies()
    _cards_and_duties()
    if op.get_bind().dialect.name == "sqlite":
        _law_on_sqlite()
    else:
        _law_on_postgresql()


def downgrade() -> None:
    """There is no way back: the record is not deleted by a migration."""
    raise NotImplementedError(f"{LAW}: the first schema cannot be taken back, drop the database yourself")


def _law_on_sqlite() -> None:
    _refuse_on_sqlite("events", "update", "")
    _refuse_on_sqlite("events", "delete", "")
    _refuse_on_sqlite("texts", "delete", "")
    erasing = (
        "NEW.stream = OLD.stream AND NEW.seq = OLD.seq AND NEW.field = OLD.field AND OLD.text IS NOT NULL "
        "AND NEW.text IS NULL AND NEW.salt IS NULL AND NEW.erased_at IS NOT NULL"
    )
    _refuse_on_sqlite("texts", "update", f"WHEN NOT coalesce({erasing}, 0)", ERASE_ONLY)
    # INSERT OR REPLACE deletes the row in its way without asking the DELETE trigger: refuse it before.
    same = "SELECT 1 FROM {0} WHERE stream = NEW.stream AND seq = NEW.seq"
    own_row = " OR EXISTS (SELECT 1 FROM {0} WHERE rowid = NEW.rowid)"
    for table, key in (("events", same), ("texts", same + " AND field = NEW.field")):
        taken = f"WHEN EXISTS ({key}){own_row}".format(table)
        _refuse_on_sqlite(table, "insert", taken, "this number is taken, and nothing is replaced")


def _refuse_on_sqlite(table: str, verb: str, when: str, why: str = "") -> None:
    words = f"{LAW}: {why or verb.upper() + ' on ' + table + ' is refused'}"
    op.execute(
        f"CREATE TRIGGER {table}_refuse_{verb} BEFORE {verb.upper()} ON {table} {when} "
        f"BEGIN SELECT RAISE(ABORT, '{words}'); END"
    )


def _law_on_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION muster_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"RAISE EXCEPTION '{LAW}: % on % is refused', TG_OP, TG_TABLE_NAME "
        "USING ERRCODE = 'integrity_constraint_violation'; END $$"
    )
    op.execute(
        "CREATE FUNCTION muster_erase_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF NEW.stream = OLD.stream AND NEW.seq = OLD.seq AND NEW.field = OLD.field AND OLD.text IS NOT NULL "
        "AND NEW.text IS NULL AND NEW.salt IS NULL AND NEW.erased_at IS NOT NULL THEN RETURN NEW; END IF; "
        f"RAISE EXCEPTION '{LAW}: {ERASE_ONLY}' USING ERRCODE = 'integrity_constraint_violation'; END $$"
    )
    for table, verb, level, function in (
        ("events", "UPDATE", "ROW", "muster_refuse"),
        ("events", "DELETE", "ROW", "muster_refuse"),
        ("events", "TRUNCATE", "STATEMENT", "muster_refuse"),
        ("texts", "UPDATE", "ROW", "muster_erase_only"),
        ("texts", "DELETE", "ROW", "muster_refuse"),
        ("texts", "TRUNCATE", "STATEMENT", "muster_refuse"),
    ):
        op.execute(
            f"CREATE TRIGGER {table}_refuse_{verb.lower()} BEFORE {verb} ON {table} "
            f"FOR EACH {level} EXECUTE FUNCTION {function}()"
        )


def _text(*names: str, null: bool = False) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=null) for name in names]


def _whole(*names: str, null: bool = False) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.Integer(), nullable=null) for name in names]


def _real(*names: str, null: bool = False) -> list[sa.Column[float]]:
    return [sa.Column(name, sa.Float(), nullable=null) for name in names]


def _flag(*names: str, null: bool = False) -> list[sa.Column[bool]]:
    return [sa.Column(name, sa.Boolean(), nullable=null) for name in names]


def _json(*names: str, null: bool = False) -> list[sa.Column[object]]:
    return [sa.Column(name, sa.JSON(), nullable=null) for name in names]


def _time(*names: str, null: bool = False) -> list[sa.Column[object]]:
    return [sa.Column(name, UtcTime(), nullable=null) for name in names]


def _refers(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [target], name=f"fk_{table}_{column}")


def _record() -> None:
    op.create_table(
        "streams",
        *_text("name"), *_whole("seq"), *_text("hash", "at"),
        sa.PrimaryKeyConstraint("name", name="pk_streams"),
    )  # fmt: skip
    op.create_table(
        "events",
        *_text("stream"), *_whole("seq", "format"), *_text("type", "at"),
        *_text("source_at", "claimed_by", null=True), *_text("actor", "body", "prev", "hash"),
        sa.PrimaryKeyConstraint("stream", "seq", name="pk_events"),
        sa.CheckConstraint("seq > 0", name=op.f("ck_events_seq_positive")),
        _refers("events", "stream", "streams.name"),
    )  # fmt: skip
    op.create_table(
        "texts",
        *_text("stream"), *_whole("seq"), *_text("field"), *_text("salt", "text", null=True),
        *_time("erased_at", null=True),
        sa.PrimaryKeyConstraint("stream", "seq", "field", name="pk_texts"),
    )  # fmt: skip
    op.create_table(
        "documents",
        *_text("id", "stream", "name", "key", "body", "sha256"), *_time("created_at"),
        sa.PrimaryKeyConstraint("id", name="pk_documents"),
        sa.UniqueConstraint("key", name="uq_documents_key"),
    )  # fmt: skip
    op.create_table(
        "counters",
        *_text("name"), *_whole("value"),
        sa.PrimaryKeyConstraint("name", name="pk_counters"),
    )  # fmt: skip


def _incidents() -> None:
    op.create_table(
        "incidents",
        *_text("id"), *_whole("number"), *_text("kind", "type"), *_flag("private"),
        *_text("title", "severity", "status"), *_text("service", "site", null=True), *_text("declared_by"),
        *_time("declared_at"), *_time("detected_at", "acknowledged_at", null=True),
        *_text("acknowledged_by", null=True), *_time("decided_at", "restored_at", "resolved_at", null=True),
        *_text("ended_by", "resolution", "latest_update", null=True), *_time("latest_update_at", null=True),
        *_text("latest_update_status", null=True), *_time("update_due_at", null=True), *_json("facts"),
        *_text("origin_channel", null=True), *_whole("revision"),
        sa.PrimaryKeyConstraint("id", name="pk_incidents"),
        sa.UniqueConstraint("number", name="uq_incidents_number"),
    )  # fmt: skip
    op.create_index("ix_incidents_status", "incidents", ["status"])
    op.create_table(
        "roles",
        *_text("incident", "role", "person"), *_flag("interim"), *_time("since"),
        sa.PrimaryKeyConstraint("incident", "role", name="pk_roles"),
        _refers("roles", "incident", "incidents.id"),
    )  # fmt: skip


def _runs() -> None:
    op.create_table(
        "runs",
        *_text("id", "stream"), *_whole("number"), *_text("incident", null=True),
        *_text("playbook", "title", "text", "digest"), *_json("inputs"), *_text("kind"),
        *_text("service", "site", null=True), *_text("requester"), *_text("requester_account", null=True),
        *_json("editors"), *_text("ask", null=True), *_flag("shown"), *_text("state"),
        *_text("reason", "stop_asked", null=True), *_whole("fence"), *_text("lease_owner", null=True),
        *_time("lease_until", "ready_at", null=True), *_time("created_at"),
        *_time("started_at", "ended_at", null=True), *_whole("revision"),
        sa.PrimaryKeyConstraint("id", name="pk_runs"),
        _refers("runs", "incident", "incidents.id"),
        sa.UniqueConstraint("stream", "number", name="uq_runs_stream_number"),
    )  # fmt: skip
    op.create_index("ix_runs_incident", "runs", ["incident"])
    op.create_index("ix_runs_ready", "runs", ["state", "ready_at"])
    op.create_table(
        "steps",
        *_text("run"), *_whole("idx"), *_text("id", "uses", "title"),
        *_text("phase", "grp", "lane", null=True), *_whole("risk"), *_text("on_failure", "state"),
        *_whole("attempt", "tries"), *_text("key", null=True),
        *_json("params", "plan", "outputs", "question", "answer", null=True),
        *_text("note", "error", null=True), *_json("requesters"), *_text("approval", "started_by", null=True),
        *_time("started_at", "done_at", "ended_at", "deadline", "wake_at", null=True),
        sa.PrimaryKeyConstraint("run", "idx", name="pk_steps"),
        _refers("steps", "run", "runs.id"),
    )  # fmt: skip


def _approvals() -> None:
    op.create_table(
        "approvals",
        *_text("id", "run"), *_whole("idx", "attempt"), *_text("digest"),
        *_json("covers", "rule", "plan", "barred"), *_text("state"), *_time("opened_at", "expires_at"),
        *_time("decided_at", null=True), *_text("reason", null=True), *_json("paged"),
        sa.PrimaryKeyConstraint("id", name="pk_approvals"),
        _refers("approvals", "run", "runs.id"),
    )  # fmt: skip
    op.create_index("ix_approvals_open", "approvals", ["state", "expires_at"])
    op.create_index("ix_approvals_run", "approvals", ["run", "idx"])
    op.create_table(
        "votes",
        *_text("approval", "person", "choice", "account", "via"), *_text("reason", null=True),
        *_time("believed_at", null=True), *_time("at"),
        sa.PrimaryKeyConstraint("approval", "person", name="pk_votes"),
        _refers("votes", "approval", "approvals.id"),
    )  # fmt: skip
    op.create_table(
        "locks",
        *_text("resource", "run", "person"), *_time("since"),
        sa.PrimaryKeyConstraint("resource", name="pk_locks"),
        _refers("locks", "run", "runs.id"),
    )  # fmt: skip


def _people() -> None:
    op.create_table(
        "people",
        *_text("id"), *_text("name", "email", null=True), *_time("created_at"),
        sa.PrimaryKeyConstraint("id", name="pk_people"),
    )  # fmt: skip
    op.create_table(
        "accounts",
        *_text("kind", "id"), *_text("person", null=True), *_text("state"), *_text("name", "email", null=True),
        *_time("believed_at", null=True), *_time("first_seen_at"),
        sa.PrimaryKeyConstraint("kind", "id", name="pk_accounts"),
        _refers("accounts", "person", "people.id"),
    )  # fmt: skip
    op.create_index("ix_accounts_person", "accounts", ["person"])
    op.create_table(
        "memberships",
        *_text("grp", "person", "source"), *_time("added_at"), *_text("added_by", null=True),
        *_flag("confirmed"), *_time("seen_at"),
        sa.PrimaryKeyConstraint("grp", "person", name="pk_memberships"),
        _refers("memberships", "person", "people.id"),
    )  # fmt: skip
    op.create_table(
        "oncall",
        *_text("policy", "person"), *_whole("level"), *_time("seen_at"),
        sa.PrimaryKeyConstraint("policy", "person", name="pk_oncall"),
        _refers("oncall", "person", "people.id"),
    )  # fmt: skip
    op.create_table(
        "refreshes",
        *_text("subject"), *_time("at"), *_text("error", null=True),
        sa.PrimaryKeyConstraint("subject", name="pk_refreshes"),
    )  # fmt: skip
    op.create_table(
        "policies",
        *_text("digest"), *_json("sections"), *_text("state"), *_time("seen_at"),
        *_time("adopted_at", null=True),
        sa.PrimaryKeyConstraint("digest", name="pk_policies"),
    )  # fmt: skip


def _inbox_and_replies() -> None:
    op.create_table(
        "inbox",
        *_text("key", "kind", "line"), *_json("values"), *_text("account_kind", "account"),
        *_text("team", "channel", "message_ts", "response_url", null=True), *_text("via", "state"),
        *_text("owner", null=True), *_time("lease_until", null=True), *_whole("attempts"),
        *_text("error", null=True), *_time("received_at"), *_time("done_at", null=True),
        sa.PrimaryKeyConstraint("key", name="pk_inbox"),
    )  # fmt: skip
    op.create_index("ix_inbox_state", "inbox", ["state", "received_at"])
    op.create_table(
        "replies",
        *_text("id"), *_text("ask", null=True), *_text("account_kind", "account"),
        *_text("channel", null=True), *_json("body"), *_text("state"), *_whole("attempts"),
        *_time("not_before"), *_text("owner", null=True), *_time("lease_until", null=True),
        *_text("route", "error", null=True), *_time("created_at"), *_time("sent_at", null=True),
        sa.PrimaryKeyConstraint("id", name="pk_replies"),
    )  # fmt: skip
    op.create_index("ix_replies_due", "replies", ["state", "not_before"])


def _cards_and_duties() -> None:
    op.create_table(
        "cards",
        *_text("kind", "subject"), *_text("channel", "ts", null=True), *_text("stream"),
        *_whole("priority", "wanted", "shown"), *_text("shown_hash", null=True), *_text("state"),
        *_text("posting_key", null=True), *_whole("attempts"), *_time("not_before"),
        *_text("error", null=True),
        sa.PrimaryKeyConstraint("kind", "subject", name="pk_cards"),
    )  # fmt: skip
    op.create_index("ix_cards_due", "cards", ["state", "not_before"])
    op.create_table(
        "timers",
        *_text("kind", "subject"), *_time("due_at"), *_json("payload"), *_text("state"),
        sa.PrimaryKeyConstraint("kind", "subject", name="pk_timers"),
    )  # fmt: skip
    op.create_index("ix_timers_due", "timers", ["state", "due_at"])
    op.create_table(
        "leases",
        *_text("name", "owner"), *_whole("fence"), *_time("until"),
        sa.PrimaryKeyConstraint("name", name="pk_leases"),
    )  # fmt: skip
    op.create_table(
        "replicas",
        *_text("name"), *_time("started_at", "heartbeat_at"), *_real("loop_lag_s"),
        sa.PrimaryKeyConstraint("name", name="pk_replicas"),
    )  # fmt: skip
