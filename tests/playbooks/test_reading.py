"""Reading what people wrote: lines, nearest words, and text that is not YAML at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from playbooks.errors import Refused
from playbooks.reading import Problems, fields_at, hint, line_of, nearest, plain, reach, read_yaml


class _Inner(BaseModel):
    instance: str | None = None


class _Outer(BaseModel):
    database: _Inner | None = None
    by_name: dict[str, _Inner] = {}
    several: tuple[_Inner, ...] = ()
    free: dict[str, object] = {}


def test_nearest_is_the_one_meant() -> None:
    assert nearest("failover/rds-mutli-az", ["failover/rds-multi-az", "restore/rds"]) == "failover/rds-multi-az"
    assert nearest("SRE", ["sre", "comms"]) == "sre"
    assert nearest("zzz", ["sre", "comms"]) is None
    assert nearest("sev9", ["sev1", "sev2"]) == "sev1", "the first of equals"


def test_hint_lists_a_short_list() -> None:
    assert hint("zzz", ["b", "a"]) == " (known: a, b)"
    assert hint("zzz", [str(n) for n in range(13)]) == ""


def test_lines_are_those_of_the_file() -> None:
    node = read_yaml("# one\na: 1\nb:\n  - x: 2\n    y: 3\n", "f")
    assert [line_of(node, loc) for loc in [("a",), ("b", 0, "y"), ("b", 0, "gone"), ("b", 5), ()]] == [2, 5, 4, 3, 2]
    assert read_yaml("# one\na: 1\nb:\n  - x: 2\n    y: 3\n", "g") is node, "a text is read once"


@pytest.mark.parametrize(
    ("text", "line"), [("a: 1\na: 2\n", 2), ("a: [1\nb: 2\n", 2), ("- a\n", 1), ("", 1), ("a: 1\n\tb: 2\n", 2)]
)
def test_not_yaml_names_the_line(text: str, line: int) -> None:
    with pytest.raises(Refused, match=rf"^f:{line}: "):
        read_yaml(text, "f")


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        plain(read_yaml(text, "f"))
    except Refused as error:
        assert error.message


@pytest.mark.parametrize("deep", [40, 5_000])
def test_yaml_nested_too_deeply_is_refused(deep: int) -> None:
    with pytest.raises(Refused, match="nested"):
        plain(read_yaml(f"a: {'[' * deep}{']' * deep}\n", "f"))


def test_problems_come_in_line_order_once() -> None:
    problems = Problems("f")
    problems.raise_any()
    problems.add(9, "late")
    problems.add(2, "early")
    problems.add(9, "late")
    with pytest.raises(Refused) as caught:
        problems.raise_any()
    assert caught.value.message == "f:2: early\nf:9: late"


@pytest.mark.parametrize(
    ("path", "wrong"),
    [(("database", "instance"), None), (("databse", "instance"), "databse"), (("database", "instanc"), "instanc"),
     (("by_name", "any", "instance"), None), (("several", "0", "nope"), "nope"), (("free", "a", "b"), None),
     (("database", "instance", "upper"), "upper")],
)  # fmt: skip
def test_reach(path: tuple[str, ...], wrong: str | None) -> None:
    assert reach(_Outer, path).wrong == wrong


def test_fields_at() -> None:
    assert fields_at(_Outer, ("by_name", "x")) == ["instance"]
    assert fields_at(_Outer, ("nowhere",)) == []
