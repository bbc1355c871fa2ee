"""One look of the doctor. Belongs here: its shape. Does not belong here: any look (doctor.py, doctor_policy.py)."""

from __future__ import annotations

from dataclasses import dataclass


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


def ok(what: str, text: str) -> Finding:
    """All is well there."""
    return Finding(what, "ok", text)
