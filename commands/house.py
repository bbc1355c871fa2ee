"""The house a command stands in: handles on the record, the policy, the library, the directory and the engine.

Built once by `bot/app.py` (tests build the same). Belongs here: the bundle. Does not belong here: wiring or settings.
"""

from __future__ import annotations

from dataclasses import dataclass

from playbooks.directory import Directory
from playbooks.engine.engine import Engine
from playbooks.engine.library import Library
from playbooks.policy import Policy
from storage.db import Database
from storage.sealing import Seal


@dataclass
class House:
    """db: the record; url: Muster's public address without a trailing slash; sandbox: the local workspace is in use.

    seal: what MUSTER_KEY seals with; None: not set, so there are no one-time codes.
    """

    db: Database
    policy: Policy
    library: Library
    directory: Directory
    engine: Engine
    url: str
    sandbox: bool = False
    seal: Seal | None = None
