"""Whose account a word was said with: what votes on steps and votes on decisions share.

Belongs here: reading `account`. Does not belong here: votes (runs.py, decisions.py), whose account it is (people.py).
"""

from __future__ import annotations


class SaidWith:
    """Base of a vote. account: "slack:T1/U1"."""

    account: str

    @property
    def account_kind(self) -> str:
        """The kind of the account it was said with."""
        return self.account.partition(":")[0]

    @property
    def account_id(self) -> str:
        """That account's id without its kind."""
        return self.account.partition(":")[2]
