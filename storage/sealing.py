"""Sealed texts: what stands in a row but is read by nobody who has only the database (Fernet, key `MUSTER_KEY`).

Belongs here: closing, opening, making a key, several keys at once. Does not belong here: which rows are sealed and
sealing them anew (resealing.py), or where the keys come from (bot/settings.py).
"""

from __future__ import annotations

import re

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

_BETWEEN = re.compile(r"[,\s]+")
_KEY = re.compile(r"[A-Za-z0-9_-]{43}=")


class Unsealable(Exception):
    """A sealed text does not open: another key sealed it, or it was changed."""


def new_key() -> str:
    """A fresh key for `MUSTER_KEY`: 44 characters, 32 random bytes."""
    return Fernet.generate_key().decode()


class Seal:
    """One key, or several from the newest to the oldest: the newest seals, each of them opens.

    keys: separated by commas or blanks. Never shown, neither in a repr nor in a log or row. Raises ValueError for
    what is no key.
    """

    def __init__(self, keys: str) -> None:
        given = [key for key in _BETWEEN.split(keys) if key]
        if not all(_KEY.fullmatch(key) for key in given):
            raise ValueError("no key")  # two with nothing in between would be read as the first alone
        self._each = [Fernet(key.encode()) for key in given]
        self._all = MultiFernet(self._each)  # ValueError without any key

    def __repr__(self) -> str:
        return "Seal(…)"

    @property
    def keys(self) -> int:
        """How many keys there are."""
        return len(self._each)

    def close(self, text: str) -> str:
        """The text as it may stand in a row."""
        return self._all.encrypt(text.encode()).decode()

    def open(self, sealed: str) -> str:
        """The text back. Raises Unsealable."""
        try:
            return self._all.decrypt(sealed.encode()).decode()
        except InvalidToken:
            raise Unsealable("sealed with another key, or changed") from None

    def newest(self, sealed: str) -> bool:
        """Whether the newest key sealed it. Raises Unsealable where none of them did."""
        self.open(sealed)
        try:
            self._each[0].decrypt(sealed.encode())
        except InvalidToken:
            return False
        return True

    def again(self, sealed: str) -> str:
        """The same text, sealed by the newest key. Raises Unsealable."""
        return self.close(self.open(sealed))
