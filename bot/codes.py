"""One-time codes on their way in: taken out of an ask before anything is written, judged while it is being stored.

What is stored, logged and answered holds the id of a proof, or "wrong:<why>", never the code. Belongs here: finding
codes in lines and forms, putting the verdict in their place. Does not belong here: judging (playbooks/step_up.py).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from commands.command import Command
from commands.fields import Field, fields_of
from commands.kinds import GREEDY
from playbooks import step_up
from storage import inbox, people
from storage.db import Tx
from storage.inbox import Ask
from storage.sealing import Seal

CODE = "code"
TAKEN = "code=?"  # what stands in a line until the code is judged
_QUOTES = "\"'“”„«»"
_KEYED = re.compile(rf"(?<!\S)code\s*=\s*(?:[{_QUOTES}]?(\d[\d\s]{{4,8}}\d)[{_QUOTES}]?(?!\S)|(\S*))", re.IGNORECASE)
_BARE = re.compile(r"(?<!\S)(\d{6})(?!\S)")
_SIX = re.compile(r"\s*(?:\d\s*){6}")


class Codes:
    """Knows which commands take a code. seal None: MUSTER_KEY is not set, so no code can be judged here."""

    def __init__(self, commands: Mapping[str, type[Command]], seal: Seal | None) -> None:
        self._fields = {words: fields_of(cls) for words, cls in commands.items()}
        self._seal = seal

    def take_out(self, ask: Ask) -> Ask:
        """The ask without its codes; they go along beside it, in what is never stored. Pure."""
        codes: dict[str, str] = {}
        fields = self._fields.get(" ".join(ask.line.lstrip("/ ").split(maxsplit=2)[:2]).lower())
        if ask.values:
            named = {field.name for field in fields or () if field.arg.kind == CODE}
            named |= {CODE} if ask.kind == "cli" else set()
            codes = {name: str(ask.values[name]) for name in named if ask.values.get(name)}
        line = self._line(ask.line, fields, codes)
        if not codes and line == ask.line:
            return ask
        values = {name: value for name, value in ask.values.items() if name not in codes}
        return replace(ask, line=line, values=values, codes=codes)

    def errors(self, ask: Ask) -> dict[str, str]:
        """What is no code at all, for a form: field -> words. Costs nobody a try."""
        return {
            name: "Six digits, as your app shows them." for name, code in ask.codes.items() if not _SIX.fullmatch(code)
        }

    def store(self, tx: Tx, ask: Ask) -> None:
        """Take out, store, judge: for doors that store one ask at a time."""
        bare = self.take_out(ask)
        if bare.key in inbox.store(tx, [bare]) and bare.codes:
            self.judge(tx, bare)

    def judge(self, tx: Tx, ask: Ask) -> None:
        """Judge the codes of an ask that was stored just now, in this same transaction, and keep the verdicts."""
        known = people.account(tx, ask.account_kind, ask.account)
        person = known.person if known else None
        verdicts = {name: step_up.check(tx, self._seal, person, code, ask.key) for name, code in ask.codes.items()}
        typed = TAKEN in ask.line and CODE in verdicts
        line = ask.line.replace(TAKEN, f"code={verdicts[CODE]}", 1) if typed else ask.line
        values = dict(ask.values) if typed and ask.kind != "cli" else {**ask.values, **verdicts}
        inbox.judged(tx, ask.key, line, values)

    def _line(self, line: str, fields: tuple[Field, ...] | None, codes: dict[str, str]) -> str:
        """The line without codes; the first one goes into `codes` where its command takes one."""
        kinds = {field.arg.kind for field in fields or ()}
        greedy = bool(kinds & set(GREEDY))
        takes = any(field.arg.kind == CODE and field.name == CODE for field in fields or ())
        # Free text of an incident may well speak of an error code, and a playbook's input may be called so.
        free = "inputs" in kinds or (greedy and line.lstrip("/ ").lower().startswith("incident"))
        if not takes and (free or "code" not in line.lower()):
            return line

        def out(match: re.Match[str]) -> str:
            if takes:
                codes.setdefault(CODE, next(filter(None, match.groups()), "-"))
            return TAKEN if takes else "code=…"

        found = _KEYED.sub(out, line)
        return _BARE.sub(out, found, count=1) if takes and found == line and not greedy else found
