"""Files on this machine: reading (`FileReads`) and appending (`Files`).

Belongs here: appending lines so that a crash leaves none twice and none half, and what OSErrors mean. Does not belong
here: what stands in the lines. Methods raise Refused or Uncertain of `playbooks.errors`.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable
from pathlib import Path

from playbooks.connectors.threads import Threads
from playbooks.errors import Refused, Uncertain

DEADLINE_S = 10.0


class FileReads:
    """What can be asked of a file. paths: the files the policy names; there are no others."""

    vendor = "Files"
    acting = False

    def __init__(self, paths: Iterable[str] = ()) -> None:
        self._paths = frozenset(paths)
        self._threads = Threads(self.vendor, 2)

    async def close(self) -> None:
        """Let go of the threads."""
        self._threads.close()

    def _named(self, path: str) -> Path:
        if path not in self._paths:
            raise Refused(f"{path} is no file that the policy names.", todo="See policy `anchors.file`.")
        return Path(path)

    async def appendable(self, path: str) -> None:
        """Refused when the policy does not name it or this process may not write there."""
        file = self._named(path)
        await self._threads.run(lambda: _look(file), deadline_s=DEADLINE_S)


class Files(FileReads):
    """What can be done to a file."""

    acting = True

    async def append_once(self, path: str, lines: list[str]) -> int:
        """Append the lines that are not there yet and wait for the disk; returns how many were new.

        A last line that an earlier crash left half is ended first, so that it spoils no other.
        """
        file = self._named(path)
        try:
            return await self._threads.run(lambda: _append(file, lines), deadline_s=DEADLINE_S)
        except TimeoutError:
            raise Uncertain(f"{path} did not take the lines within {DEADLINE_S:.0f} s.") from None


def _look(path: Path) -> None:
    if path.is_dir():
        raise Refused(f"{path} is a folder.", todo="Name a file in policy `anchors.file`.")
    nearest = path
    while not nearest.exists() and nearest != nearest.parent:
        nearest = nearest.parent
    if not os.access(nearest, os.W_OK):
        raise Refused(f"{path} cannot be written: {nearest} refuses it.", todo="Give Muster's user the right to.")


def _append(path: Path, lines: list[str]) -> int:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a+", encoding="utf-8", newline="\n")
    except OSError as error:
        raise Refused(f"{path} cannot be written: {error.strerror}.", todo="See policy `anchors.file`.") from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            wanted, torn = dict.fromkeys(lines), False
            for line in file:
                wanted.pop(line.rstrip("\n"), None)
                torn = not line.endswith("\n")
            file.write(("\n" if torn else "") + "".join(f"{line}\n" for line in wanted))
            file.flush()
            os.fsync(file.fileno())
        except OSError as error:
            raise Uncertain(f"{path} was not written to the end: {error.strerror}.") from None
    return len(wanted)
