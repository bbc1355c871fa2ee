"""One look of the doctor. Belongs here: its shape. Does not belong here: any look (doctor.py, doctor_policy.py)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Finding:
    """One look. state: ok, missing (optional and not configured), warning, broken (required and wrong)."""

    what: str
    state: str
    text: str

    @property
    def mark(self) -> str:
        """The sign people see."""
        return {"ok": "✅", "missing": "○", "warning": "⚠️"}.get(self.state, "❌")


def findings_of(found: Iterable[Finding]) -> dict[str, Any]:
    """All of them for programs: whether it is ready, and each as it is."""
    rows = [asdict(one) for one in found]
    return {"ok": all(row["state"] != "broken" for row in rows), "findings": rows}


def ok(what: str, text: str) -> Finding:
    """All is well there."""
    return Finding(what, "ok", text)
