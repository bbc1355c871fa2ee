"""Alembic's entry: runs the migrations on the connection `storage.migrate` hands over.

Belongs here: how alembic is configured. Does not belong here: opening databases or locking (storage/migrate.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from alembic import context
from alembic.operations.ops import ModifyTableOps

from storage import (  # noqa: F401  their tables join the metadata
    tables_captures,
    tables_guard,
    tables_services,
    tables_sessions,
    tables_triage,
)
from storage.tables import metadata

# Batch mode copies a table row by row and drops the old one: for the record that would be a rewrite of history.
NEVER_REBUILT = frozenset({"events", "texts"})


def keep_the_record(context_: Any, revision: Any, directives: Iterable[Any]) -> None:
    """Refuse to generate a migration that would rebuild the record on SQLite."""
    for script in directives:
        for step in script.upgrade_ops.ops if script.upgrade_ops else ():
            if isinstance(step, ModifyTableOps) and step.table_name in NEVER_REBUILT:
                raise ValueError(f"{step.table_name} is the record: write this change by hand, without batch mode")


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    compare_type=True,
    render_as_batch=True,
    transactional_ddl=True,
    process_revision_directives=keep_the_record,
)
context.run_migrations()
