"""Sealed texts: what stands in a row but is read by nobody who has only the database (Fernet, key `MUSTER_KEY`).

Belongs here: closing, opening, making a key. Does not belong here: what is sealed (factors.py, escrow), or where the
key comes from (bot/settings.py).
"""

from __future__ import annotations

from cryptography.fernet import Fernet, InvalidToken


class Unsealable(Exception):
    """A sealed text does not open: another key sealed it, or it was changed."""


def new_key() -> str:
    """A fresh key for `MUSTER_KEY`: 44 characters, 32 random bytes."""
    return Fernet.generate_key().decode()


class Seal:
    """One key. Never shown: not in a repr, a log or a row. Raises ValueError for what is no key."""

    def __init__(self, key: str) -> None:
        self._fernet = Fernet(key.strip().encode())

    def __repr__(self) -> str:
        return "Seal(…)"

    def close(self, text: str) -> str:
        """The text as it may stand in a row."""
        return self._fernet.encrypt(text.encode()).decode()

    def open(self, sealed: str) -> str:
        """The text back. Raises Unsealable."""
        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except InvalidToken:
            raise Unsealable("sealed with another key, or changed") from None
