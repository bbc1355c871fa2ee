"""Corrections of moto's Secrets Manager, each by name. Only here, never in the product.

1. ``UpdateSecretVersionStage``: moto moves the label and goes on taking the old version for the default, so that the
   next value is put beside it and two versions are current.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def moved(backends: Iterable[Any]) -> None:
    """Correction 1: the version with AWSCURRENT is the default."""
    for backend in backends:
        for secret in backend.secrets.values():
            for id, version in secret.versions.items():
                if "AWSCURRENT" in version["version_stages"]:
                    secret.default_version_id = id
