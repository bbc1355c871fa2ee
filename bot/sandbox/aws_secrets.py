"""Corrections of moto's Secrets Manager, each by name. Only here, never in the product.

1. ``UpdateSecretVersionStage``: moto moves the label and goes on taking the old version for the default, so that the
   next value is put beside it and two versions are current.
2. ``RotateSecret``: moto rotates secrets that have no rotation, at once, to no value. Here it is refused without one
   and while one is under way; the new version is pending for a moment, then current.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping
from typing import Any

ROTATE_S = 0.3


def moved(backends: Iterable[Any]) -> None:
    """Correction 1: the version with AWSCURRENT is the default."""
    for backend in backends:
        for secret in backend.secrets.values():
            for id, version in secret.versions.items():
                if "AWSCURRENT" in version["version_stages"]:
                    secret.default_version_id = id


def rotate(backend: Any, asked: Mapping[str, Any]) -> dict[str, str] | tuple[str, str] | None:
    """Correction 2: the answer, (code, message), or None where moto answers. Call in the event loop."""
    secret = backend.secrets.get(asked.get("SecretId", ""))
    if secret is None:
        return None
    new = str(asked["ClientRequestToken"])
    if new not in secret.versions:
        pending = [one for one in secret.versions.values() if "AWSPENDING" in one["version_stages"]]
        if not secret.rotation_enabled or any("AWSCURRENT" not in one["version_stages"] for one in pending):
            return "InvalidRequestException", "No rotation is set up, or a previous one is still in progress."
        made = {"createdate": int(time.time()), "version_id": new, "secret_string": f"rotated-{new[:8]}"}
        secret.versions[new] = made | {"version_stages": ["AWSPENDING"]}
        asyncio.get_running_loop().call_later(ROTATE_S, _rotated, backend, secret, new)
    return {"ARN": secret.arn, "Name": secret.name, "VersionId": new}


def _rotated(backend: Any, secret: Any, new: str) -> None:
    for version in secret.versions.values():
        stages = version["version_stages"]
        version["version_stages"] = ["AWSPREVIOUS"] if "AWSCURRENT" in stages else []
    secret.versions[new]["version_stages"] = ["AWSCURRENT", "AWSPENDING"]
    moved([backend])
