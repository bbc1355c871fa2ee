"""References: what they reach, what keeps its type, what a missing value says, and that nothing else gets in."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playbooks.engine import values
from playbooks.engine.values import KnownLater, references, resolve
from playbooks.errors import Refused

SCOPE: dict[str, Any] = {
    "inputs": {
        "n": 3,
        "yes": True,
        "who": ["U0BEN", "U0CHI"],
        "note": "x",
        "none": None,
        "d": {"items": "mine", "a-b": 1},
    },
    "steps": {"before": {"outputs": {"writer_zone": "eu-north-1a", "zones": ["a", "b"]}}},
    "incident": {"title": "checkout is down", "channel": "C1", "private": False},
    "service": {"name": "checkout", "database": None, "tier": 1},
    "run": {"kind": "real"},
}
SECRETS = ["__class__", "__init__", "items", "keys", "append", "format", "mro", "__subclasses__", "func_globals"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${{ inputs.n }}", 3),
        (" ${{inputs.yes}} ", True),
        ("${{ inputs.who }}", ["U0BEN", "U0CHI"]),
        ("${{ inputs.none }}", None),
        ("${{ inputs.d.items }}", "mine"),
        ("${{ inputs.d['a-b'] }}", 1),
        ("${{ steps.before.outputs.zones[1] }}", "b"),
        ("${{ incident.latest_update }}", None),
        ("${{ inputs.none or inputs.note }}", "x"),
        ("n=${{ inputs.n }} ${{ inputs.yes }} ${{ inputs.who }}${{ inputs.none }}.", "n=3 true U0BEN, U0CHI."),
        ("no reference, $ {{ not one }}", "no reference, $ {{ not one }}"),
        ("${{ '}}' }}", "}}"),
        (7, 7),
        ({"a": ["${{ inputs.n }}", {"b": "${{ run.kind }}"}]}, {"a": [3, {"b": "real"}]}),
    ],
)
def test_resolve(text: Any, value: Any) -> None:
    assert resolve(text, SCOPE) == value
    assert type(resolve(text, SCOPE)) is type(value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("${{ inputs.nope }}", "inputs has no nope"),
        ("${{ service.database.instance }}", "service.database is not set"),
        ("${{ site.region }}", "this run has no site"),
        ("${{ steps.later.outputs.x }}", "steps has no later"),
        ("${{ steps.before.outputs.zones[7] }}", "steps.before.outputs.zones has no 7"),
        ("${{ incident.chanel }}", "incident has no chanel"),
        ("${{ inputs.n < inputs.note }}", "cannot be compared"),
        ("a ${{ inputs.nope }} b", "inputs has no nope"),
    ],
)
def test_a_missing_value_says_where_it_breaks_off(text: str, said: str) -> None:
    with pytest.raises(Refused, match=said):
        resolve(text, SCOPE)


@pytest.mark.parametrize("name", SECRETS)
def test_names_never_reach_methods(name: str) -> None:
    for path in (f"inputs.n.{name}", f"inputs.note['{name}']", f"inputs.who.{name}", f"run.{name}", f"steps.{name}"):
        with pytest.raises(Refused, match="has no value"):
            resolve(f"${{{{ {path} }}}}", SCOPE)


@pytest.mark.parametrize(
    "source",
    [
        "inputs.n()", "inputs.note.upper()", "inputs.n | abs", "inputs.n is defined", "inputs.n + 1", "inputs.n * 99",
        "inputs.n if inputs.yes else 2", "[inputs.n]", "{'a': 1}", "inputs[inputs.note]", "inputs.who[0:1]", "range",
        "inputs", "self.x", "inputs.n inputs.n", "", "inputs.", "'a' ~ 'b'", "(x for x in inputs)", "x" * 600,
        "inputs.n == foo.bar", "not cycler.next",
    ],
)  # fmt: skip
def test_nothing_else_is_in_the_language(source: str) -> None:
    with pytest.raises(Refused):
        references(f"${{{{ {source} }}}}")


@given(st.text(max_size=60))
def test_any_text_between_the_braces_is_a_value_or_refused(source: str) -> None:
    try:
        value = resolve(f"${{{{{source}}}}}", SCOPE)
    except Refused as error:
        assert str(error)
    else:
        assert value is None or isinstance(value, str | int | float | bool | list | dict)


@given(st.text().filter(lambda text: "${{" not in text))
def test_text_without_references_stays(text: str) -> None:
    assert resolve(text, {}) == text
    assert resolve({"a": [text]}, {}) == {"a": [text]}


@given(
    st.dictionaries(st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True), st.integers() | st.text() | st.booleans())
)
def test_a_whole_reference_is_the_value_itself(inputs: dict[str, Any]) -> None:
    for name, value in inputs.items():
        assert resolve(f"${{{{ inputs['{name}'] }}}}", {"inputs": inputs}) is value


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("inputs.n == 3", True), ("${{ inputs.n == 3 and not incident.private }}", True), ("inputs.n in [1, 2]", False),
        ("inputs.n > -1 and inputs.n <= 3", True), ("incident.latest_update", False), ("incident.channel", True),
        ("inputs.none != null", False), ("incident.page_key == none or inputs.yes != true", True), ("true", True),
        ("false", False), ("'U0BEN' in inputs.who", True), ("inputs.nope and false", None),
    ],
)  # fmt: skip
def test_conditions(text: str, holds: bool | None) -> None:
    if holds is None:
        with pytest.raises(Refused):
            values.test(text, SCOPE)
    else:
        assert values.test(text, SCOPE) is holds


def test_a_condition_is_one_expression() -> None:
    with pytest.raises(Refused, match="one comparison"):
        values.test("${{ inputs.n }} == 3", SCOPE)


def test_a_dry_run_says_when_a_value_will_be_known() -> None:
    later = resolve("${{ steps.new.outputs.id }}", SCOPE, unknown={"steps.new"})
    assert later == KnownLater("new")
    assert resolve("id ${{ steps.new.outputs.id }}", SCOPE, {"steps.new"}) == "id «known after step new»"
    assert resolve("${{ incident.channel }}", SCOPE, {"incident.channel": "open"}) == KnownLater("open")
    assert resolve("${{ steps.before.outputs.writer_zone }}", SCOPE, {"steps.new"}) == "eu-north-1a"
    assert values.test_plan("steps.new.outputs.ok", SCOPE, {"steps.new"}) == KnownLater("new")
    assert values.test_plan("inputs.n == 3", SCOPE, {"steps.new"}) is True


def test_references_are_paths() -> None:
    value = {"a": "${{ inputs.x }} and ${{ steps.b.outputs['c'][0] == service.tier }}", "d": ["${{ run.id }}", 4]}
    assert references(value) == {
        ("inputs", "x"), ("steps", "b", "outputs", "c", "0"), ("service", "tier"), ("run", "id"),
    }  # fmt: skip
    assert values.condition_references("not incident.private or null == null") == {("incident", "private")}


def test_facts_of_actions_are_names_of_the_incident() -> None:
    assert values.is_incident_name("channel") and values.is_incident_name("title")
    assert not values.is_incident_name("chanel")
    assert resolve("${{ incident.channel }}", {"incident": {}}) is None


def test_text_of_values() -> None:
    assert values.as_text(timedelta(minutes=15)) == "15 min"
    assert values.as_text([1, None, True]) == "1, , true"
