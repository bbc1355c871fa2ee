"""What can go wrong, sorted by who must act.

Belongs here: the exceptions every floor may raise. Does not: how they are handled (engine step, dispatch, worker loop).
The docstring of each says what is known about the effect, because that decides what the engine may do next.
"""

from __future__ import annotations


class MusterError(Exception):
    """Base of all errors with words for a person: what happened, what did not, what to do next."""

    def __init__(self, message: str, *, todo: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.todo = todo

    def __str__(self) -> str:
        return f"{self.message} {self.todo}".strip()


class Temporary(MusterError):
    """The outside said "not now" (429, refused connection, 5xx on a read). **The effect did not happen.** We retry.

    `retry_after` is in seconds, from the service's own header where it sent one.
    """

    def __init__(self, message: str, *, retry_after: float | None = None, todo: str = "") -> None:
        super().__init__(message, todo=todo)
        self.retry_after = retry_after


class Refused(MusterError):
    """A precondition, a permission or the outside service says no. **The effect did not happen.** A person must act."""


class NotConfigured(Refused):
    """The integration has no credentials here. Steps with `on-failure: continue` are skipped, visibly; others fail."""


class Uncertain(MusterError):
    """The call went out and no answer came back (time-out, dropped connection, 5xx on a write).

    The effect may or may not have happened: `safe` and `keyed` steps are repeated, `never` steps are reconciled.
    """


class NotYet(MusterError):
    """A probe looked and the world is not there yet. The engine parks the step and looks again until its deadline."""

    def __init__(self, message: str, *, again_in: float = 2.0) -> None:
        super().__init__(message)
        self.again_in = again_in
