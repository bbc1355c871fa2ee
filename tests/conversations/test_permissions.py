"""Who may: by PagerDuty schedule as it is now, by name, by user group; refused politely, with who can."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from commands import duties

EXAMPLE = Path(__file__).parents[2] / "muster.example.yaml"
BEN, CHI, DOV, EVE = "U0BEN", "U0CHI", "U0DOV", "U0EVE"


@pytest.fixture
def strict(tmp_path: Path) -> Path:
    """The example policy: only who holds the rota declares, only Dov plans, only @sre runs."""
    path, text = tmp_path / "strict.yaml", EXAMPLE.read_text()
    for old, new in (
        ("  declare: everyone\n", "  declare: [rota]\n"), ("  plan: everyone ", "  plan: [planner] "),
        ("  run: everyone ", "  run: [sre] "),
        ("\ngroups:\n", "\ngroups:\n  rota: { pagerduty_schedule: Payments rota }\n  planner: { people: [dov] }\n"),
        ("  ben: { slack: U0BEN,", "  dov: { slack: U0DOV }\n  ben: { slack: U0BEN, pagerduty: PUSRBEN,"),
        ("  chi: { slack: U0CHI,", "  chi: { slack: U0CHI, pagerduty: PUSRCHI,"),
    ):  # fmt: skip
        assert old in text, old
        text = text.replace(old, new, 1)
    path.write_text(text)
    return path


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
async def test_who_is_on_duty_now_may_and_others_hear_who_can(
    town: Any, strict: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(duties, "GOOD_FOR", duties.timedelta(0))
    monkeypatch.setattr(duties, "AGAIN_S", 0.0)
    await town.muster(policy=strict)
    sb = town.sb
    line = "/incident declare sev3 search is slow"
    said = await town.says(CHI, "#general", line, "is for")
    assert "`@rota`" in said.plain and "Ask Ben." in said.plain and "Nothing was done" in said.plain
    assert "INC-1" in (await town.says(BEN, "#general", line, "INC-1")).plain

    town.sandbox.pagerduty.on_call = [("PPOLPAY", 1, "PUSRCHI")]  # the rota turns, and nobody tells Muster
    assert "Ask Chi." in (await town.says(BEN, "#general", f"{line} again", "is for")).plain
    await town.says(CHI, "#general", f"{line} again", "INC-2")
    await sb.fail("pagerduty", "*", "500", times=-1)
    await town.says(CHI, "#general", f"{line} still", "INC-3")  # who it was last counts while PagerDuty is silent
    assert "Ask Chi." in (await town.says(BEN, "#general", f"{line} still", "is for")).plain

    plan = "/playbook plan failover/rds-multi-az service=checkout"
    assert "`@planner`" in (await town.says(EVE, "#general", plan, "is for")).plain
    await town.says(DOV, "#general", plan, "Plan")
    said = await town.says(EVE, "#general", "/playbook run failover/rds-multi-az service=checkout", "is for")
    assert "`@sre`" in said.plain and "Ask" in said.plain
    refused = await town.events("org", "access.refused")
    assert len(refused) == 5
    await town.proven()
