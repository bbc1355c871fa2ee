"""What is again as it was leaves nothing, whoever set it back; what only looks like it stays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from playbooks.action import find, load_actions
from playbooks.actions.host_runs import named
from playbooks.changes import UNKNOWN, Change, said, standing
from playbooks.engine.load import load_text
from playbooks.host_commands import filled, passed_on
from playbooks.policy import load_policy, parse_policy

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "muster.example.yaml"


def left(*made: tuple[str, Any, Any]) -> list[int]:
    every = ((at, Change(thing, said(before), said(after))) for at, (thing, before, after) in enumerate(made))
    return [at for at, _ in standing(every)]


def test_what_is_again_as_it_was_leaves_nothing() -> None:
    assert left(("a", 3, 0)) == [0]
    assert left(("a", 3, 0), ("a", 0, 1), ("a", 1, 3)) == [], "back to what it was, by whatever way"
    assert left(("a", 3, 0), ("a", 0, 1), ("a", 1, 0)) == [0], "the last two took each other back"
    assert left(("a", 3, 0), ("b", 0, 3)) == [0, 1], "of another thing"
    assert left(("a", 3, 3)) == [], "nothing was changed"
    assert left(("a", 3, 0), ("a", 0, 3), ("a", 3, 0)) == [2], "and done once more"
    unknown = [(0, Change("a", "1", "2")), (1, Change("a", UNKNOWN, UNKNOWN)), (2, Change("a", UNKNOWN, "3"))]
    assert [who for who, _ in standing(unknown)] == [0, 1, 2], "what is not known is equal to nothing"


@pytest.mark.parametrize(
    ("there", "back"),
    [
        (("kubernetes.scale_down", {"replicas": 0}, {"deployment": "p/api", "before": 3, "replicas": 0}),
         ("kubernetes.scale", {"replicas": 3}, {"deployment": "p/api", "before": 0, "replicas": 3})),
        (("kubernetes.drain", {"node": "a"}, {"node": "a", "was_cordoned": False}),
         ("kubernetes.uncordon", {"node": "a"}, {"node": "a"})),
        (("kubernetes.cordon", {"node": "a"}, {"node": "a", "changed": True}),
         ("kubernetes.uncordon", {"node": "a"}, {"node": "a"})),
        (("kubernetes.config_map_patch", {"values": {"R": "off", "U": "env://B"}, "before": {"U": "env://A"}},
          {"config_map": "p/c", "changed": ["R", "U"], "before": {"R": "on"}}),
         ("kubernetes.config_map_patch", {"values": {"R": "on", "U": "env://A"}, "before": {}},
          {"config_map": "p/c", "changed": ["R", "U"], "before": {"R": "off"}})),
        (("postgres.read_only_on", {"dsn": "env://A"}, {"database": "shop", "before": None}),
         ("postgres.read_only_off", {"dsn": "env://A"}, {"database": "shop", "before": "on"})),
        (("aws.iam_deactivate_key", {}, {"key": "AKIA"}), ("aws.iam_activate_key", {}, {"key": "AKIA"})),
        (("aws.elb_switch", {}, {"arn": "l", "old_weights": {"a": 100, "b": 0}, "weights": {"b": 1}}),
         ("aws.elb_switch", {}, {"arn": "l", "old_weights": {"b": 1}, "weights": {"a": 1}})),
        (("aws.route53_switch", {}, {"zone": "Z", "name": "n", "type": "A", "old_values": ["1", "2"], "values": ["3"]}),
         ("aws.route53_switch", {}, {"zone": "Z", "name": "n", "type": "A", "old_values": ["3"], "values": ["2", "1"]})),
        (("aws.route53_weights", {"zone": "Z", "record": "n"}, {"old_weights": {"a": 9}, "weights": {"a": 0}}),
         ("aws.route53_weights", {"zone": "Z", "record": "n"}, {"old_weights": {"a": 0}, "weights": {"a": 9}})),
        (("aws.scaling_down", {}, {"group": "g", "old_size": [1, 2, 3], "size": [0, 0, 3]}),
         ("aws.scaling_set", {}, {"group": "g", "old_size": [0, 0, 3], "size": [1, 2, 3]})),
        (("statuspage.components", {}, {"state": "major_outage", "old_states": {"x": "operational"}}),
         ("statuspage.components", {}, {"state": "operational", "old_states": {"x": "major_outage"}})),
    ],
    ids=lambda one: one[0],
)  # fmt: skip
def test_actions_that_set_each_other_back_write_it_alike(there: Any, back: Any) -> None:
    made = [(at, one) for at, (name, params, outputs) in enumerate((there, back))
            for one in load_actions()[name].changes(params, outputs)]  # fmt: skip
    assert {at for at, _ in made} == {0, 1} and standing(made) == []
    assert {at for at, _ in standing([one for one in made if one[0] == 0])} == {0}, "alone it stays"


def test_reopening_after_ransomware_ends_what_isolating_left() -> None:
    """Every step of the one with an undo is ended by a step of the other, with the example's commands."""
    policy = load_policy(EXAMPLE)

    def changes(name: str) -> list[tuple[str, Change]]:
        text = (ROOT / f"playbooks/library/host/{name}.yaml").read_text()
        found = []
        for step in load_text(text, name).steps:
            if (action := find(step.uses)) is None or not step.uses.startswith("host.") or "command" not in step.with_:
                continue
            command = policy.commands[str(step.with_["command"])]
            given = {key: str(one).replace("${{", "").replace("}}", "").strip()
                     for key, one in dict(step.with_.get("arguments") or {}).items()}  # fmt: skip
            if not command.undo and command.risk in ("read", "write"):
                continue
            values = filled(command, given)
            also = [named(other, values) for other in command.also]
            back = command.undo
            over = named(back.command, passed_on(back, values, policy.commands[back.command])) if back else ""
            outputs = {"host": "production", "brought": [named(command.name, values), *also], "back": over}
            found += [(f"{name}/{step.id}", one) for one in action.changes({}, outputs)]
        return found

    isolated, opened = changes("ransomware-isolate"), changes("ransomware-reopen")
    alone = {who for who, _ in standing(isolated)}
    assert alone == {
        f"ransomware-isolate/{one}" for one in ("close_http", "close_https", "stop_backend", "stop_gateway")
    }
    assert standing([*isolated, *opened]) == []


def test_what_a_command_also_does_must_fit() -> None:
    text = EXAMPLE.read_text()
    for wrong, words in (("compose_upp", "there is no command compose_upp"), ("firewall_close", "has no port")):
        with pytest.raises(Exception, match=words):
            parse_policy(text.replace("also: [compose_up]", f"also: [{wrong}]"))
