"""What is sealed opens with its key and with no other."""

from __future__ import annotations

import pytest

from storage.sealing import Seal, Unsealable, new_key


def test_sealed_and_opened() -> None:
    seal = Seal(new_key())
    sealed = seal.close("Größe")
    assert "Größe" not in sealed and seal.open(sealed) == "Größe"
    assert sealed != seal.close("Größe"), "the same text looks different each time"


def test_another_key_or_a_changed_text_opens_nothing() -> None:
    key = new_key()
    sealed = Seal(key).close("x")
    for seal, text in ((Seal(new_key()), sealed), (Seal(key), sealed[:-4] + "AAAA"), (Seal(key), "")):
        with pytest.raises(Unsealable):
            seal.open(text)


def test_several_keys_the_newest_seals_and_each_opens() -> None:
    old, new = new_key(), new_key()
    before = Seal(old).close("x")
    for between in (",", " ", ", ", "\n"):
        both = Seal(f" {new}{between}{old}\n")
        assert both.keys == 2 and both.open(before) == "x" and not both.newest(before)
        again = both.again(before)
        assert both.newest(again) and Seal(new).open(again) == "x"
        with pytest.raises(Unsealable):
            Seal(old).open(again)
        with pytest.raises(Unsealable):
            both.newest(Seal(new_key()).close("x"))


def test_a_key_is_never_shown_and_nonsense_is_none() -> None:
    key = new_key()
    assert key not in repr(Seal(key)) and key not in str(vars(Seal(key)))
    for nonsense in ("hunter2", "", " , ", f"{key},hunter2", key + key):
        with pytest.raises(ValueError):
            Seal(nonsense)
