#!/usr/bin/env python3
"""Check an exported Muster timeline. One file, Python's standard library only, made to be read.

    python verify.py timeline.jsonl [--anchor anchors.jsonl] [--anchor INC-42@41:sha256:9f2c...]

What it does. Each line of the file is one event. An event is good when
 1. it has exactly the fields of format 1;
 2. its number follows the one before it, and `prev` is the hash of the event before (of the first: the SHA-256 of
    the stream's name);
 3. `hash` is the SHA-256 of the event without `hash` and `kept`, written as RFC 8785 canonical JSON;
 4. each text kept beside it gives, with its salt, the digest the event carries. An erased text has none left to check.
Anchors are heads of the chain that stand elsewhere: whoever rewrites the whole file cannot rewrite those.

Belongs here: reading, checking, saying. Exit code 0: everything fits; 1: it does not, and the first bad event is named.
Does not belong here: anything that needs Muster. `storage/verify.py` does the same on a database, in its own words of
code; a test holds the two together.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
from pathlib import Path
from typing import Any

Event = dict[str, Any]
Anchors = dict[tuple[str, int], str]  # (stream, number) -> hash

HASHED = ("format", "stream", "seq", "type", "at", "source_at", "claimed_by", "actor", "body", "texts", "prev")
ANCHOR = re.compile(r"^([A-Za-z0-9_.-]+)@([0-9]+):sha256:([0-9a-f]{64})$")
GREATEST = 2**53 - 1  # beyond it not every reader of JSON sees the same number


def canonical(value: object) -> str:
    """RFC 8785, for the kinds of value that events hold: no fractions. Raises ValueError for anything else."""
    if value is None or isinstance(value, (bool, str)):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, int) and abs(value) <= GREATEST:
        return str(value)
    if isinstance(value, list):
        return "[" + ",".join(canonical(item) for item in value) + "]"
    if isinstance(value, dict):  # keys in the order of their UTF-16 code units
        names = sorted(value, key=lambda name: name.encode("utf-16-be"))
        return "{" + ",".join(canonical(name) + ":" + canonical(value[name]) for name in names) + "}"
    raise ValueError(f"{value!r} is no value of an event")


def sha256(data: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(data).hexdigest()


class Stream:
    """What is known of one stream while its events pass by. bad: the first thing that does not fit, in words, or ""."""

    def __init__(self, name: str) -> None:
        self.name, self.events, self.erased, self.bad = name, 0, 0, ""
        self.hash = sha256(name.encode())
        self.agreed: list[int] = []  # events that anchors speak of and that are as they were anchored

    def take(self, event: Event, anchors: Anchors) -> None:
        """The next event. After the first bad one nothing more is looked at: everything behind it hangs on it."""
        if self.bad:
            return
        problem = self._problem(event) or self._rewritten(event, anchors)
        if problem:
            self.bad = f"event {event.get('seq', self.events + 1)} of {self.name}: {problem}"
            return
        self.events, self.hash = event["seq"], event["hash"]
        self.erased += sum(1 for one in event.get("kept", {}).values() if one["text"] is None)

    def end(self, anchors: Anchors) -> None:
        """There are no more events: was the tail cut?"""
        later = [seq for stream, seq in anchors if stream == self.name and seq > self.events]
        if later and not self.bad:
            self.bad = f"{self.name} ends at event {self.events}, but it was anchored at {max(later)}: its tail was cut"

    def _problem(self, event: Event) -> str:
        missing = [name for name in (*HASHED, "hash") if name not in event]
        unknown = sorted(set(event) - {*HASHED, "hash", "kept"})
        if missing or unknown:
            return f"it lacks {', '.join(missing)}" if missing else f"{unknown[0]!r} is no field of an event"
        if event["format"] != 1:
            return f"format {event['format']} is not known to this verifier (knows 1)"
        if event["seq"] != self.events + 1:
            return f"number {self.events + 1} was expected: an event is missing, doubled or out of order"
        if event["prev"] != self.hash:
            return "it does not name the event before it: something before it was changed, removed or inserted"
        try:
            digest = sha256(canonical({name: event[name] for name in HASHED}).encode())
        except (ValueError, RecursionError) as error:
            return f"it cannot be made canonical: {error}"
        if digest != event["hash"]:
            return "its content does not give its hash: it was edited"
        return bad_text(event["texts"], event["kept"]) if "kept" in event else ""

    def _rewritten(self, event: Event, anchors: Anchors) -> str:
        anchored = anchors.get((self.name, event["seq"]))
        if anchored is None:
            return ""
        if anchored != event["hash"]:
            since = f" after event {self.agreed[-1]}" if self.agreed else ""
            return f"it is not the one that was anchored (sha256:{anchored[:12]}…): history{since} was rewritten"
        self.agreed.append(event["seq"])
        return ""


def bad_text(digests: Any, kept: Any) -> str:
    """What is wrong with the texts beside an event, or ""."""
    shaped = isinstance(digests, dict) and isinstance(kept, dict)
    if not shaped or not all(isinstance(one, dict) and set(one) == {"salt", "text"} for one in kept.values()):
        return "what stands beside it is not a list of texts"
    for name in sorted(set(digests) - set(kept)):
        return f"its text {name!r} was taken away (erasing leaves a mark)"
    for name, one in kept.items():
        if name not in digests:
            return f"a text {name!r} stands beside it that it never had"
        if one["text"] is None:
            continue
        try:
            digest = sha256(bytes.fromhex(one["salt"]) + one["text"].encode())
        except (ValueError, TypeError, AttributeError):
            digest = ""
        if digest != digests[name]:
            return f"its text {name!r} was edited"
    return ""


def once(pairs: list[tuple[str, Any]]) -> Event:
    """An object whose keys are all different: two readers must never see two different events in one line."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a field is there twice")
    return found


def verify(path: Path, anchors: Anchors) -> list[Stream]:
    """Check a file, line by line. anchors: (stream, number) -> hash. Streams in order of their first event."""
    streams: dict[str, Stream] = {}
    with path.open(encoding="utf-8", newline="\n") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                event = json.loads(line, object_pairs_hook=once)
                if not isinstance(event, dict):
                    raise ValueError("not an object")
            except (ValueError, RecursionError) as error:
                broken = Stream(path.name)
                broken.bad = f"line {number} is not an event: {error}"
                return [*streams.values(), broken]
            name = str(event.get("stream"))
            streams.setdefault(name, Stream(name)).take(event, anchors)
    for stream in streams.values():
        stream.end(anchors)
    return list(streams.values())


def read_anchor(text: str) -> Anchors:
    """`INC-42@41:sha256:...` as {(stream, number): hash}. Raises ValueError for anything else."""
    found = ANCHOR.match(text.strip())
    if found is None:
        raise ValueError(f"{text[:100]!r} is no anchor: write INC-42@41:sha256: and 64 hex digits")
    return {(found[1], int(found[2])): found[3]}


def read_anchors(given: str) -> tuple[Anchors, list[str]]:
    """Anchors from one argument: an anchor itself, a JSON Lines file, or a folder of them; and what could not be read.

    Two anchors of one event that differ cannot both be true: ValueError, as for a file that is not there.
    """
    if not Path(given).exists():
        return read_anchor(given), []
    folder = Path(given).is_dir()
    files = sorted(one for one in Path(given).rglob("*.json*") if one.is_file()) if folder else [Path(given)]
    anchors: Anchors = {}
    unread = []
    for file in files:
        for number, line in enumerate(file.read_text(encoding="utf-8").split("\n"), 1):
            if line.strip():
                try:
                    one = json.loads(line)
                    found = read_anchor(f"{one['stream']}@{one['seq']}:sha256:{one['hash']}")
                except (ValueError, KeyError, TypeError):
                    unread.append(f"{file.name} line {number} is no anchor")
                    continue
                add_anchors(anchors, found)
    return anchors, unread


def add_anchors(anchors: Anchors, more: Anchors) -> None:
    """Put them together. Raises ValueError where two say different things about one event."""
    for key, digest in more.items():
        if anchors.setdefault(key, digest) != digest:
            raise ValueError(f"two anchors of event {key[1]} of {key[0]} differ: one of the places was tampered with")


def main(arguments: list[str]) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description="Check an exported Muster timeline.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--anchor", action="append", default=[], help="file, folder or INC-42@41:sha256:…")
    given = parser.parse_args(arguments)
    anchors: Anchors = {}
    say = sys.stdout.write
    for one in given.anchor:
        try:
            found, unread = read_anchors(one)
            add_anchors(anchors, found)
        except (OSError, ValueError) as error:
            say(f"BAD  {error}\n")
            return 1
        say("".join(f"note {line}\n" for line in unread))
    streams = verify(given.file, anchors)
    for stream in streams:
        erased = f", {stream.erased} texts erased" if stream.erased else ""
        agreed = f", {len(stream.agreed)} anchors agree (last: {stream.agreed[-1]})" if stream.agreed else ", no anchor"
        good = f"GOOD {stream.name}: {stream.events} events fit, head sha256:{stream.hash}{erased}{agreed}"
        say(f"BAD  {stream.bad}\n" if stream.bad else f"{good}\n")
    if not streams:
        say("BAD  there is no event in it\n")
    return 1 if not streams or any(stream.bad for stream in streams) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
