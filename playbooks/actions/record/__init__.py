"""Anchoring the record outside: one action per place."""
