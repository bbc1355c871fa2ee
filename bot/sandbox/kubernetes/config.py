"""The kubeconfig file that leads to the stand-in: one cluster, two contexts.

Belongs here: writing and removing that file. Does not belong here: what the API server does (``api.py``).
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from bot.sandbox.kubernetes.api import TOKEN

CONTEXT, STRANGER = "sandbox", "stranger"


class KubeConfig:
    """A file of its own, readable by its owner alone. Context `stranger` has a token nobody knows."""

    def __init__(self, server: str) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="muster-sandbox-kube-")
        self.path = str(Path(self._folder.name) / "config")
        users = {CONTEXT: TOKEN, STRANGER: "not-a-token"}
        Path(self.path).write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": CONTEXT,
            "clusters": [{"name": CONTEXT, "cluster": {"server": server}}],
            "users": [{"name": name, "user": {"token": token}} for name, token in users.items()],
            "contexts": [
                {"name": name, "context": {"cluster": CONTEXT, "user": name, "namespace": "production"}}
                for name in users
            ],
        }), encoding="utf-8")  # fmt: skip

    def remove(self) -> None:
        """Take the file away."""
        self._folder.cleanup()
