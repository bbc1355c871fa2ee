"""Asking a person, typed, timed and checkable."""
