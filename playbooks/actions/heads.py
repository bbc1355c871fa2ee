"""Heads of the timeline as anchors are written: `INC-42@41:sha256:…`.

Belongs here: that form, and the JSON line of it that `muster verify --anchor` reads. Does not belong here: any effect.
"""

from __future__ import annotations

import json
import re
from typing import Annotated

from pydantic import Field

FORM = re.compile(r"([A-Za-z0-9_.-]+)@([0-9]+):sha256:([0-9a-f]{64})")
Head = Annotated[str, Field(pattern=rf"^{FORM.pattern}$")]
Heads = Annotated[tuple[Head, ...], Field(min_length=1, max_length=30, description="Heads, as INC-42@41:sha256:…")]


def line(head: str, at: str) -> str:
    """One anchor as a line of JSON, without its end. at: when it was read, as the database says it."""
    found = FORM.fullmatch(head)
    assert found is not None, "checked when the step's parameters were read"
    stream, seq, digest = found.groups()
    return json.dumps({"at": at, "hash": digest, "seq": int(seq), "stream": stream}, sort_keys=True)


def words(heads: tuple[str, ...]) -> str:
    """`INC-42 at 41, org at 102`."""
    parts = [found for head in heads if (found := FORM.fullmatch(head))]
    return ", ".join(f"{one[1]} at {one[2]}" for one in parts)
