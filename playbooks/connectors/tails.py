"""What a host answered: the exit status, and head and tail of an output that may be long.

Belongs here: keeping little of much, and the port every way of running a line fits (`Runner`). Does not belong here:
any SDK, masking and judging (host_commands.py).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Protocol

from playbooks.action import Where
from playbooks.policy_hosts import Host

KEEP_BYTES = 64 * 1024
# For ways that keep the beginning of an output alone and stderr apart (SSM): both together, head and tail.
# $1 is the line.
WRAP = """o=$(sh -c "$1" 2>&1 </dev/null; echo "=$?"); s=${o##*=}; o=${o%=*}
if [ ${#o} -le 20000 ]; then printf %s "$o"
else n=$((${#o} - 18000))
  printf %s "$o" | head -c 9000; printf '\\n[... %s characters ...]\\n' "$n"; printf %s "$o" | tail -c 9000
fi; exit "$s\""""


@dataclass(frozen=True)
class Answered:
    """How a line ended. status: its exit status. text: its output (stderr with it), the middle left out when long."""

    status: int
    text: str


@dataclass
class Tails:
    """Collects bytes, keeping KEEP_BYTES at each end. seen: how many there were."""

    seen: int = 0
    _head: bytearray = field(default_factory=bytearray)
    _tail: deque[bytes] = field(default_factory=deque)
    _held: int = 0

    def add(self, chunk: bytes) -> None:
        """Take the next bytes."""
        self.seen += len(chunk)
        free = KEEP_BYTES - len(self._head)
        self._head += chunk[:free]
        if rest := chunk[free:] if free > 0 else chunk:
            self._tail.append(rest)
            self._held += len(rest)
        while self._tail and self._held - len(self._tail[0]) >= KEEP_BYTES:
            self._held -= len(self._tail.popleft())

    def text(self) -> str:
        """What was kept, saying how much was not."""
        tail = b"".join(self._tail)[-KEEP_BYTES:]
        left = self.seen - len(self._head) - len(tail)
        gap = f"\n[… {left} bytes …]\n".encode() if left else b""
        return (bytes(self._head) + gap + tail).decode("utf-8", "replace")


class Runner(Protocol):
    """One way of running a line on a host: SSH, or the AWS agent."""

    async def run(self, host: Host, line: str, *, write: bool, deadline_s: float) -> Answered:
        """Run it. Temporary or Refused: not begun. No end seen: Uncertain for a write, else Temporary."""

    async def reach(self, host: Host) -> None:
        """Whether lines could be run there now. Raises as `run`."""

    def bound(self, where: Where) -> Runner:
        """The way as one step takes it: signed in as its site and risk say, where that makes a difference."""

    async def close(self) -> None:
        """Let go of what it holds."""
