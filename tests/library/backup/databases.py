"""`backup/databases`: a new copy of each, of what is there now."""

from __future__ import annotations

from tests.library.entry import Entry
from tests.library.prepared import machine
from tests.library.stage import Stage


async def copied(stage: Stage) -> None:
    host = machine(stage)
    newest = {database: max((file.made_at, file.content) for path, file in host.files.items()
                            if path.startswith(f"/backups/postgres/{database}_db_"))[1] for database in ("main", "ai")}  # fmt: skip
    assert newest == {"main": "rows now", "ai": "rows now"}
    assert any(path.startswith("/backups/redis/") for path in host.files)
    assert any(path.startswith("/backups/media/") for path in host.files)


ENTRY = Entry(
    inputs={"service": "storefront", "schedule": True}, incident={"service": "storefront"}, check=copied,
)  # fmt: skip
