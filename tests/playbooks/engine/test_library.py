"""The library: every built-in playbook loads and says what it does; edits are picked up, broken ones survived."""

import os
from datetime import date
from pathlib import Path

import pytest

from playbooks.action import find
from playbooks.engine.library import BUILT_IN, Library, against
from playbooks.engine.load import Playbook
from playbooks.engine.values import resolve
from playbooks.errors import Refused
from playbooks.policy import load_policy, parse_policy

FILES = sorted(BUILT_IN.rglob("*.yaml"))
NAMES = [file.relative_to(BUILT_IN).with_suffix("").as_posix() for file in FILES]
EXAMPLE = Path(__file__).parents[3] / "muster.example.yaml"
OUTSIDE = ("slack.", "pagerduty.", "statuspage.")


@pytest.fixture(scope="module")
def library() -> Library:
    return Library()


def write(root: Path, name: str, title: str, tick: int = 0) -> Path:
    file = root / f"{name}.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(
        f"name: {name}\ntitle: {title}\nsteps:\n  - {{id: a, uses: slack.post, with: {{channel: C1, text: hi}}}}\n",
        encoding="utf-8",
    )
    os.utime(file, ns=(tick, tick))
    return file


@pytest.mark.parametrize("name", NAMES)
def test_every_built_in_loads_and_says_what_it_does(library: Library, name: str) -> None:
    playbook = library.find(name)
    head = playbook.text.split("name:")[0]
    assert all(f"# {word}:" in head for word in ("When", "Changes", "Takes", "Undone")), "the first comment"
    assert playbook.reviewed is not None and playbook.review_by is not None
    assert playbook.reviewed < playbook.review_by
    assert playbook.title and playbook.description
    assert all(step.phase for step in playbook.steps), "metrics are split by phase"
    assert all(item.description for item in playbook.inputs)


def test_the_list_is_the_folder(library: Library) -> None:
    assert list(library.names()) == sorted(NAMES)
    assert library.problems() == {}
    needed = "declare/default resolve/default cancel/default comms/update comms/publish comms/post-mortem"
    assert {*needed.split(), "comms/page-approvers", "role/assign", "failover/rds-multi-az"} <= set(NAMES)


def test_in_declare_nothing_stands_before_the_page(library: Library) -> None:
    playbook = library.find("declare/default")
    first = [step for step in playbook.steps if step.group == playbook.steps[0].group]
    assert playbook.steps[0].uses == "pagerduty.trigger"
    assert [(step.lane, step.uses) for step in first] == [
        ("page", "pagerduty.trigger"),
        ("chat", "slack.open_channel"),
        ("chat", "slack.invite"),
        ("status", "statuspage.create"),
        ("topic", "slack.set_topic"),
        ("link", "pagerduty.link"),
        ("ticket", "jira.create"),
    ]
    assert all(step.on_failure == "continue" and step.retries >= 3 for step in playbook.steps)


def test_the_example_and_the_library_agree(library: Library) -> None:
    assert against(library, load_policy(EXAMPLE)) == []


def own(lines: list[str]) -> list[str]:
    """Without the built-in playbooks: they ask roles and groups that a small policy does not have."""
    return [line for line in lines if line.startswith(("own/", "severities"))]


def test_what_policy_and_library_do_not_agree_on(tmp_path: Path) -> None:
    file = write(tmp_path, "own/one", "x", 1)
    text = file.read_text(encoding="utf-8").replace(
        "text: hi}}", "text: hi}, approvals: {from: [sr], groups: {dba: 1}}}"
    )
    file.write_text(text, encoding="utf-8")
    policy = parse_policy("severities: {sev1: {title: a, declare: declare/defualt}}\ngroups: {sre: {slack: sre}}")
    assert own(against(Library([BUILT_IN, tmp_path]), policy)) == [
        "severities.sev1.declare: there is no playbook declare/defualt, did you mean declare/default?",
        "own/one: step a: there is no group dba (known: sre)",
        "own/one: step a: there is no group sr, did you mean sre?",
    ]


def test_a_step_nobody_could_approve_is_said_before_it_is_needed(tmp_path: Path) -> None:
    file = write(tmp_path, "own/one", "x", 1)
    text = file.read_text(encoding="utf-8").replace("text: hi}}", "text: hi}, approvals: {from: [dba]}}")
    file.write_text(text, encoding="utf-8")
    policy = parse_policy(
        "severities: {sev1: {title: a}}\ngroups: {sre: {slack: sre}, dba: {slack: dba}}\napprovals: {from: [sre]}"
    )
    assert own(against(Library([BUILT_IN, tmp_path]), policy)) == [
        "own/one: step a: Nobody could approve: policy accepts sre, playbook only dba."
    ]


def test_a_step_that_only_tells_never_stops_the_rest(library: Library) -> None:
    """Outside services are optional: with several of them, one that is broken does not hold up the others."""
    for name in NAMES:
        for step in library.find(name).steps:
            if step.lane is not None and step.uses.startswith(OUTSIDE):
                assert step.on_failure == "continue", f"{name}: {step.id}"


def test_a_private_incident_reaches_no_status_page(library: Library) -> None:
    for name in NAMES:
        for step in library.find(name).steps:
            if step.uses == "statuspage.create":
                assert step.if_ is not None and "not incident.private" in step.if_, f"{name}: {step.id}"


def test_the_failover_is_the_story(library: Library) -> None:
    playbook = library.find("failover/rds-multi-az")
    assert [(step.id, step.uses, step.phase) for step in playbook.steps] == [
        ("before", "aws.rds_describe", "assess"),
        ("failover", "aws.rds_failover", "execute"),
        ("health", "http.probe", "verify"),
        ("tables", "postgres.check_tables", "verify"),
    ]
    action = find("aws.rds_failover")
    assert action is not None and action.risk.destructive


def test_the_failover_resolves_with_the_example_policy(library: Library) -> None:
    """Parameters of every step are valid for the example's checkout, before and after the first step has run."""
    policy = load_policy(EXAMPLE)
    scope = {
        "service": policy.service("checkout").scope(),
        "steps": {"before": {"outputs": {"writer_zone": "eu-north-1a"}}},
    }
    for step in library.find("failover/rds-multi-az").steps:
        action = find(step.uses)
        assert action is not None
        action.model_validate(resolve(step.with_, scope))


def test_unknown_names_get_the_nearest(library: Library) -> None:
    with pytest.raises(Refused) as caught:
        library.find("failover/rds-mutli-az")
    assert str(caught.value) == (
        "No playbook **failover/rds-mutli-az**. Did you mean **failover/rds-multi-az**? `/playbook list failover`"
    )


def test_names_titles_and_the_nearest_cost_no_playbook(library: Library, tmp_path: Path) -> None:
    """Making all of them takes seconds, and a person waits."""
    assert library.titles() == {name: library.find(name).title for name in library.names()}
    assert library.texts() == {name: library.find(name).text for name in library.names()}
    write(tmp_path, "own/one", "good", 1)
    (tmp_path / "own" / "two.yaml").write_bytes(b"\xff")
    fresh = Library([BUILT_IN, tmp_path], actions=lambda name: pytest.fail(f"{name} was read"))
    assert fresh.titles() == {**library.titles(), "own/one": "good", "own/two": ""}
    with pytest.raises(Refused, match=r"Did you mean \*\*own/one\*\*"):
        fresh.find("own/oen")


@pytest.mark.parametrize(
    "name", ["", "../../etc/passwd", "failover", "/etc/passwd", "a/../b", "failover/rds-multi-az.yaml", "x" * 9999]
)
def test_a_name_never_becomes_another_path(library: Library, name: str) -> None:
    with pytest.raises(Refused, match=r"^No playbook"):
        library.find(name)


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    write(tmp_path, "own/one", "first", 1)
    library = Library([tmp_path])
    before = library.find("own/one")
    assert library.find("own/one") is before, "an unchanged file is not read twice"
    write(tmp_path, "own/one", "second", 2)
    assert library.find("own/one").title == "second"
    write(tmp_path, "own/two", "new", 1)
    assert library.names() == ("own/one", "own/two")


def test_a_broken_edit_keeps_the_last_good_text(tmp_path: Path) -> None:
    file = write(tmp_path, "own/one", "good", 1)
    library = Library([tmp_path])
    assert isinstance(library.find("own/one"), Playbook)
    file.write_text("name: own/one\ntitel: broken\n", encoding="utf-8")
    assert library.find("own/one").title == "good"
    assert "own/one.yaml:2: unknown key titel" in library.problems()["own/one"]
    file.write_bytes(b"\xff\xfe\x00")
    assert library.find("own/one").title == "good"
    write(tmp_path, "own/one", "mended", 3)
    assert library.find("own/one").title == "mended"
    assert library.problems() == {}


def test_a_file_that_was_never_good_says_why(tmp_path: Path) -> None:
    file = write(tmp_path, "own/one", "good", 1)
    file.write_text("name: own/other\ntitle: x\nsteps: []\n", encoding="utf-8")
    library = Library([tmp_path])
    assert library.names() == ()
    with pytest.raises(Refused, match=r"own/one\.yaml:3: steps"):
        library.find("own/one")


def test_a_deleted_file_is_gone(tmp_path: Path) -> None:
    file = write(tmp_path, "own/one", "good", 1)
    library = Library([tmp_path])
    library.find("own/one")
    file.unlink()
    assert library.names() == ()
    with pytest.raises(Refused, match="No playbook"):
        library.find("own/one")


def test_the_organisation_replaces_a_built_in(tmp_path: Path) -> None:
    write(tmp_path, "declare/default", "ours", 1)
    library = Library([BUILT_IN, tmp_path])
    assert library.find("declare/default").title == "ours"
    assert library.find("resolve/default").title == "Resolve an incident"


def test_reviews_are_not_from_the_future(library: Library) -> None:
    assert all((library.find(name).reviewed or date.max) < date(2027, 1, 1) for name in NAMES)
