"""Rate limits: sliding windows and buckets, with one factor to speed them up or switch them off.

Belongs here: counting. Does not belong here: how a refusal looks on the wire (each service answers in its own way).
"""

from __future__ import annotations

import math
import time
from collections import defaultdict, deque

# Contract A7: Tier n allows at least so many calls of one method in a minute. Tier 1 is "1+ per minute"; Slack lets
# short bursts through, and a Socket Mode app may open ten connections at once (contract A6), so ten is the number here.
TIER = {1: 10, 2: 20, 3: 50, 4: 100}
MINUTE = 60.0


class Rates:
    """Counters of one sandbox. ``factor`` divides every time: 60 turns minutes into seconds; 0 switches limits off."""

    def __init__(self, factor: float = 1.0) -> None:
        self.factor = factor
        self._windows: dict[str, deque[float]] = defaultdict(deque)
        self._buckets: dict[str, tuple[float, float]] = {}

    def reset(self) -> None:
        self._windows.clear()
        self._buckets.clear()

    def window(self, key: str, limit: int, seconds: float = MINUTE) -> int:
        """Count one call. Returns 0 when allowed, else whole seconds to wait (at least 1, as Retry-After is whole)."""
        if self.factor <= 0:
            return 0
        span, now, seen = seconds / self.factor, time.monotonic(), self._windows[key]
        while seen and seen[0] <= now - span:
            seen.popleft()
        if len(seen) >= limit:
            return max(1, math.ceil(seen[0] + span - now))
        seen.append(now)
        return 0

    def bucket(self, key: str, per_second: float, burst: int) -> int:
        """Take one token from a bucket that refills steadily. Returns 0 or whole seconds to wait."""
        if self.factor <= 0:
            return 0
        rate, now = per_second * self.factor, time.monotonic()
        tokens, then = self._buckets.get(key, (float(burst), now))
        tokens = min(float(burst), tokens + (now - then) * rate)
        if tokens < 1:
            self._buckets[key] = (tokens, now)
            return max(1, math.ceil((1 - tokens) / rate))
        self._buckets[key] = (tokens - 1, now)
        return 0
