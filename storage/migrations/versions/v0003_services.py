"""Where services are active, and where one was when a run was asked for.

Belongs here: what stood on the day of this revision, for good.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from storage.types import UtcTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the record of moves."""
    op.add_column("runs", sa.Column("active_site", sa.Text(), nullable=True))
    op.create_table(
        "placements",
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("was", sa.Text(), nullable=True),
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("service", "number", name="pk_placements"),
    )


def downgrade() -> None:
    """There is no way back: where a service is active is part of the record."""
    raise NotImplementedError("where services are active is part of the record and is not taken back by a migration")
