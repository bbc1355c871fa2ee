"""`muster docs`: what is built, as pages people read.

Belongs here: which playbooks, to the screen or into a folder. Does not belong here: how one is drawn
(render/runbook.py).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from bot.render.runbook import head_of, kind_of, runbook
from bot.settings import Settings
from playbooks.engine.library import BUILT_IN, Library
from playbooks.engine.model import Playbook
from playbooks.errors import Refused
from playbooks.policy import load_policy


def playbooks(settings: Settings, names: Sequence[str], into: Path | None) -> int:
    """Print runbooks, or write one file each below `into` with an index. names: none means all.

    The organisation's own folders are among them; without a policy file there are none.
    """
    config = settings.muster_config.resolve()
    own = [*(load_policy(config).playbooks if config.is_file() else ()), settings.muster_playbooks]
    library = Library([BUILT_IN, *(config.parent / folder for folder in own if folder)])
    found = [library.find(name) for name in (names or library.names())]
    if into is None:
        sys.stdout.write("\n".join(map(runbook, found)))
        return 0
    for one in found:
        file = into / f"{one.name}.md"
        _write(file, runbook(one))
    _write(into / "README.md", index(found))
    sys.stdout.write(f"{len(found)} runbooks in {into}\n")
    return 0


def index(found: Sequence[Playbook]) -> str:
    """One line a playbook, by folder."""
    lines = ["# Runbooks"]
    folder = ""
    for one in found:
        if one.name.partition("/")[0] != folder:
            folder = one.name.partition("/")[0]
            lines += ["", f"## {folder}", ""]
        when = head_of(one).get("When", one.title)
        lines.append(f"- [{one.name}]({one.name}.md) ({kind_of(one)}): {when}")
    return "\n".join(lines) + "\n"


def _write(file: Path, text: str) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Refused(f"{file} cannot be written: {error.strerror}.", todo="Name a folder with --into.") from error
