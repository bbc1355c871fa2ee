"""The auditor's verifier: the same answers as Muster's own, whatever is done to a stream, and nothing beside Python."""

from __future__ import annotations

import ast
import hashlib
import json
import secrets
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage import verify
from storage.audit import verify as alone
from storage.timeline import event_digest, genesis, text_digest

FILE = Path(alone.__file__)
TYPED = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | TYPED,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=6,
)
Rows = list[dict[str, Any]]


def event(stream: str, seq: int, prev: str, body: Any, typed: dict[str, str | None]) -> dict[str, Any]:
    kept = {name: {"salt": secrets.token_hex(16), "text": text or ""} for name, text in typed.items()}
    row: dict[str, Any] = {
        "format": 1, "stream": stream, "seq": seq, "type": "incident.note", "at": "2026-11-22T05:00:00.000000Z",
        "source_at": None, "claimed_by": None, "actor": "P-1", "body": body, "prev": prev,
        "texts": {name: text_digest(one["salt"], one["text"]) for name, one in kept.items()},
    }  # fmt: skip
    row["hash"] = event_digest(row)
    for name, text in typed.items():
        if text is None:
            kept[name] = {"salt": None, "text": None}  # erased
    return row | {"kept": kept}


@st.composite
def streams(draw: st.DrawFn, least: int = 3) -> Rows:
    prev, rows = genesis("INC-1"), []
    for seq in range(1, draw(st.integers(least, 7)) + 1):
        body = draw(st.dictionaries(WORDS, VALUES, max_size=3))
        typed = draw(st.dictionaries(WORDS, TYPED | st.none(), max_size=2))
        rows.append(event("INC-1", seq, prev, body, typed))
        prev = rows[-1]["hash"]
    return rows


def chained(rows: Rows) -> Rows:
    """The whole chain with every hash right again."""
    prev, made = genesis("INC-1"), []
    for seq, old in enumerate(rows, 1):
        row = {**old, "seq": seq, "prev": prev}
        row["hash"] = event_digest({name: row[name] for name in verify.ENVELOPE})
        made.append(row)
        prev = row["hash"]
    return made


def bent(how: str, rows: Rows, at: int) -> tuple[Rows, int]:
    """The stream with something done to its event `at` (from 0), and the number of the first event that is bad."""
    rows = json.loads(json.dumps(rows))
    match how:
        case "edited":
            rows[at]["actor"] = "P-9"
        case "edited inside":
            rows[at]["body"]["n"] = "forged"
        case "time moved":
            rows[at]["at"] = "2026-11-22T04:00:00.000000Z"
        case "rehashed":
            rows[at]["type"] = "x.y"
            rows[at]["hash"] = event_digest({name: rows[at][name] for name in verify.ENVELOPE})
            at += 1  # itself it fits; the next one knows another
        case "field added":
            rows[at]["approved_by"] = "P-1"
        case "field taken":
            del rows[at]["claimed_by"]
        case "deleted":
            del rows[at]
            return rows, at + 2
        case "inserted":
            rows.insert(at, {**rows[at], "actor": "P-9"})
        case "doubled":
            rows.insert(at + 1, rows[at])
            return rows, at + 1
        case "swapped":
            rows[at], rows[at + 1] = rows[at + 1], rows[at]
            return rows, at + 2
        case "renumbered":
            rows[at]["seq"] += 10
            return rows, at + 11
    return rows, at + 1


WAYS = ("edited", "edited inside", "time moved", "rehashed", "field added", "field taken", "deleted", "inserted",
        "doubled", "swapped", "renumbered")  # fmt: skip


def both(rows: Rows, anchors: alone.Anchors | None = None) -> tuple[list[str], list[str]]:
    """What the two verifiers say: "" or the bad event of each stream."""
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8", newline="\n") as file:
        file.write("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
        file.flush()
        ours = [one.bad for one in verify.check_file(Path(file.name), anchors)]
        theirs = [one.bad for one in alone.verify(Path(file.name), anchors or {})]
    return ours, theirs


# No example database and no deadline: two slow cores are shared.
quick = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), database=None)


@quick
@given(streams())
def test_a_stream_that_was_left_alone_fits_in_both(rows: Rows) -> None:
    anchors = {("INC-1", row["seq"]): row["hash"] for row in rows[1:]}
    assert both(rows) == both(rows, anchors) == ([""], [""])


@pytest.mark.parametrize("how", WAYS)
@settings(quick, max_examples=15)
@given(rows=streams(), data=st.data())
def test_both_name_the_same_first_bad_event(how: str, rows: Rows, data: st.DataObject) -> None:
    last = len(rows) - (2 if how in ("swapped", "rehashed", "deleted", "doubled") else 1)
    wrong, seq = bent(how, rows, data.draw(st.integers(0, last)))
    ours, theirs = both(wrong)
    assert ours == theirs
    assert ours[0].startswith(f"event {seq} of INC-1: "), (how, seq, ours)


@quick
@given(rows=streams(), data=st.data())
def test_a_cut_tail_and_a_rewritten_chain_are_found_by_the_anchor_alone(rows: Rows, data: st.DataObject) -> None:
    at = data.draw(st.integers(2, len(rows)))
    anchors = {("INC-1", at): rows[at - 1]["hash"]}
    cut = rows[: at - 1]
    assert both(cut) == ([""], [""])
    words = f"INC-1 ends at event {at - 1}, but it was anchored at {at}: its tail was cut"
    assert both(cut, anchors) == ([words], [words])
    changed = data.draw(st.integers(1, at))
    forged = chained([{**row, "actor": "P-9"} if row["seq"] == changed else row for row in rows])
    assert both(forged) == ([""], [""])
    ours, theirs = both(forged, anchors)
    assert ours == theirs and ours[0].startswith(f"event {at} of INC-1: it is not the one that was anchored")


@quick
@given(VALUES)
def test_the_canonical_form_is_rfc_8785(value: Any) -> None:
    assert alone.canonical(value).encode() == rfc8785.dumps(value)


@pytest.mark.parametrize("value", [1.5, 2**53, -(2**53), {"a": float("nan")}, "\ud800"])
def test_what_has_no_one_canonical_form_is_refused_by_both(value: Any) -> None:
    with pytest.raises(ValueError):
        alone.canonical(value).encode()
    if not isinstance(value, float):
        with pytest.raises((rfc8785.CanonicalizationError, ValueError)):
            rfc8785.dumps(value)


def test_a_field_that_stands_twice_in_a_line_is_refused(tmp_path: Path) -> None:
    row = json.dumps(event("INC-1", 1, genesis("INC-1"), {}, {}))
    (tmp_path / "x.jsonl").write_text(row[:-1] + ', "actor": "P-1"}\n')
    (ours,), (theirs,) = verify.check_file(tmp_path / "x.jsonl"), alone.verify(tmp_path / "x.jsonl", {})
    assert ours.bad == theirs.bad == "line 1 is not an event: a field is there twice"


@pytest.mark.parametrize("bad", [5, [], {"a": 1}, None])
def test_a_forged_shape_is_named_and_breaks_neither(bad: Any) -> None:
    for name in ("texts", "kept", "body", "seq", "hash", "prev", "format", "stream"):
        row = event("INC-1", 1, genesis("INC-1"), {}, {"text": "hello"})
        row[name] = bad
        if name == "texts":
            row["hash"] = event_digest({one: row[one] for one in verify.ENVELOPE})
        ours, theirs = both([row])
        assert bool(ours[0]) and bool(theirs[0]), (name, ours, theirs)


# --- as an auditor runs it --------------------------------------------------------------------------------------------


def run(*words: object) -> tuple[int, str]:
    ended = subprocess.run(
        [sys.executable, "-I", "-S", str(FILE), *map(str, words)], capture_output=True, text=True, check=False
    )
    assert "Traceback" not in ended.stderr, ended.stderr
    return ended.returncode, ended.stdout


def test_it_runs_without_anything_but_python_and_says_what_it_found(tmp_path: Path) -> None:
    prev, rows = genesis("INC-1"), []
    for seq in (1, 2, 3):
        rows.append(event("INC-1", seq, prev, {"n": seq}, {"text": "“quoted” \u2028 🙂" if seq > 1 else None}))
        prev = rows[-1]["hash"]
    file, anchors = tmp_path / "timeline.jsonl", tmp_path / "anchors"
    file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    anchors.mkdir()
    (anchors / "a.jsonl").write_text(json.dumps({"stream": "INC-1", "seq": 2, "hash": rows[1]["hash"]}) + "\n{torn\n")
    code, said = run(file)
    assert (code, said) == (0, f"GOOD INC-1: 3 events fit, head sha256:{prev}, 1 texts erased, no anchor\n")
    code, said = run(file, "--anchor", anchors, "--anchor", f"INC-1@3:sha256:{prev}")
    assert code == 0 and "2 anchors agree (last: 3)" in said and "note a.jsonl line 2 is no anchor" in said
    code, said = run(file, "--anchor", f"INC-1@4:sha256:{prev}")
    assert (code, said) == (1, "BAD  INC-1 ends at event 3, but it was anchored at 4: its tail was cut\n")
    code, said = run(file, "--anchor", anchors, "--anchor", f"INC-1@2:sha256:{prev}")
    assert code == 1 and "two anchors of event 2 of INC-1 differ" in said
    assert run(file, "--anchor", "nonsense")[0] == 1
    file.write_text(file.read_text("utf-8").replace('"n": 2', '"n": 3'), encoding="utf-8")
    code, said = run(file)
    assert (code, said) == (1, "BAD  event 2 of INC-1: its content does not give its hash: it was edited\n")
    file.write_text("\n")
    assert run(file) == (1, "BAD  there is no event in it\n")


def test_it_imports_the_standard_library_only_and_can_be_read_in_ten_minutes() -> None:
    text = FILE.read_text(encoding="utf-8")
    roots = {
        name.partition(".")[0]
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module] if isinstance(node, ast.ImportFrom) else [one.name for one in node.names])
        if name
    }
    assert roots <= set(sys.stdlib_module_names)
    assert text.count("\n") <= 250
    assert hashlib.sha256(b"INC-1").hexdigest() == genesis("INC-1")
