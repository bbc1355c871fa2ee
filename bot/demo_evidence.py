"""The demo's last page: the incident's evidence pack, checked as an auditor does it.

Belongs here: making it and letting its own verifier speak. Does not belong here: what is in it (storage/audit/pack.py).
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import zipfile
from pathlib import Path

from commands.events import say
from storage.audit import pack
from storage.db import Database


async def evidence(db: Database, stream: str, target: Path) -> tuple[bool, str]:
    """Write the pack; whether the verify.py inside it is content, and its one line. It runs alone, without Muster."""
    with tempfile.TemporaryDirectory(prefix="muster-demo-") as name:
        inside, apart = Path(name) / "inside", Path(name) / "apart"
        inside.mkdir()
        await db.read(lambda tx: pack.collect(tx, stream, inside, say))
        await asyncio.to_thread(pack.zipped, inside, target)
        await asyncio.to_thread(_unpack, target, apart)
        checking = await asyncio.create_subprocess_exec(
            sys.executable, "-I", "verify.py", "timeline.jsonl", cwd=apart, stdout=asyncio.subprocess.PIPE
        )
        said, _ = await checking.communicate()
    return checking.returncode == 0, said.decode().strip()


def _unpack(archive: Path, folder: Path) -> None:
    with zipfile.ZipFile(archive) as found:
        found.extractall(folder)
