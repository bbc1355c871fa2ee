"""What people keep beside an incident: see each table.

Belongs here: what stood on the day of this revision, for good.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from storage.types import UtcTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what people keep."""
    _triage()
    _captures()
    op.create_table(
        "sessions",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("former", sa.Text(), nullable=True),
        sa.Column("former_until", UtcTime(), nullable=True),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("csrf", sa.Text(), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("rotated_at", UtcTime(), nullable=False),
        sa.Column("seen_at", UtcTime(), nullable=False),
        sa.Column("expires_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sessions"),
        sa.UniqueConstraint("digest", name="uq_sessions_digest"),
    )
    op.create_index("ix_sessions_account", "sessions", ["account"])
    op.create_index("ix_sessions_former", "sessions", ["former"])


def _triage() -> None:
    """Alerts that came in, and the cards they stand on."""
    op.create_table(
        "triage",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("grp", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("service", sa.Text(), nullable=True),
        sa.Column("severity", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("incident", sa.Text(), nullable=True),
        sa.Column("by", sa.Text(), nullable=True),
        sa.Column("opened_at", UtcTime(), nullable=False),
        sa.Column("changed_at", UtcTime(), nullable=False),
        sa.Column("by_itself", sa.Boolean(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_triage"),
        sa.UniqueConstraint("number", name="uq_triage_number"),
    )
    op.create_index("ix_triage_grp", "triage", ["grp", "state"])
    op.create_index("ix_triage_incident", "triage", ["incident"])
    op.create_index("ix_triage_state", "triage", ["state", "number"])
    op.create_index("ix_triage_opened", "triage", ["opened_at"])
    op.create_table(
        "alerts",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("triage", sa.Text(), nullable=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("page", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("told_at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(["triage"], ["triage.id"], name="fk_alerts_triage_triage"),
        sa.PrimaryKeyConstraint("source", "fingerprint", name="pk_alerts"),
    )
    op.create_index("ix_alerts_triage", "alerts", ["triage", "state"])


def _captures() -> None:
    """Messages that people put on timelines; what they say stands in the events' texts."""
    op.create_table(
        "captures",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("ts", sa.Text(), nullable=False),
        sa.Column("incident", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("event", sa.Integer(), nullable=False),
        sa.Column("last", sa.Integer(), nullable=True),
        sa.Column("at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(["incident"], ["incidents.id"], name="fk_captures_incident_incidents"),
        sa.PrimaryKeyConstraint("channel", "ts", "incident", name="pk_captures"),
    )


def downgrade() -> None:
    """There is no way back: what people said is part of the record."""
    raise NotImplementedError("what people said is part of the record and is not taken back by a migration")
