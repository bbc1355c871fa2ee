"""PagerDuty, Statuspage or AWS not configured: Muster starts, a declare works, and what is left out can be seen."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from bot.app import build
from bot.doctor import examine
from bot.settings import Settings
from playbooks.errors import Refused
from storage import runs

EXAMPLE = Path(__file__).parents[2] / "muster.example.yaml"
SQLITE = pytest.mark.parametrize("url", ["sqlite"], indirect=True)
OFF: dict[str, dict[str, None]] = {
    "PagerDuty": {"pagerduty_api_key": None, "pagerduty_routing_key": None},
    "Statuspage": {"statuspage_api_key": None, "statuspage_page_id": None},
    "AWS": {"aws_endpoint_url": None, "aws_default_region": None},
}
MISSING = [*combinations(OFF, 1), *combinations(OFF, 2), tuple(OFF)]


@pytest.fixture
def publishing(tmp_path: Path) -> Path:
    """The example policy, publishing at once, so that the status page has a step to leave out."""
    path = tmp_path / "publishing.yaml"
    path.write_text(EXAMPLE.read_text().replace("mode: draft ", "mode: publish ", 1))
    return path


@SQLITE
@pytest.mark.parametrize("missing", MISSING, ids="-".join)
async def test_a_declare_without_them(town: Any, publishing: Path, missing: tuple[str, ...]) -> None:
    """The channel opens, what there is works, each missing part is named to the one who asked."""
    changes = {name: None for part in missing for name in OFF[part]}
    app = await town.muster(policy=publishing, **changes)
    channel = await town.declared()
    settled = await town.sb.wait_for("#general", "#inc-1-checkout-is-down is open", as_user="U0ANA")

    async def over() -> Any:
        run = await town.read(lambda tx: runs.get(tx, "INC-1/1"))
        return run if run.state == "succeeded" else None

    await town.sb.wait_until(over, 20)
    steps = {step.id: step for step in await town.read(lambda tx: runs.steps_of(tx, "INC-1/1"))}
    for part, step in (("PagerDuty", "page"), ("Statuspage", "status")):
        if part in missing:
            assert steps[step].state == "skipped"
            assert part in (steps[step].note or "")
            assert f"{part} is not configured" in settled.plain
            skipped = await town.events("INC-1", "step.skipped")
            assert any(event.body["id"] == step and part in event.text("reason") for event in skipped), "the timeline"
        else:
            assert steps[step].state == "succeeded"
    if "PagerDuty" in missing:
        assert "Call the on-call: +1-555-0199" in settled.plain, "nobody is paged: whom to call"
    if "AWS" in missing:
        await town.sb.type("U0ANA", channel, "/playbook run failover/rds-multi-az service=checkout")
        card = await town.sb.wait_for(channel, lambda m: "failover/rds-multi-az" in m.plain and "AWS" in m.plain)
        assert "not configured" in card.plain
        assert "muster doctor" in card.plain, "what says which variable to set"
    found = {one.what: one for one in await examine(app.settings)}
    for part in OFF:
        assert found[part].state == ("missing" if part in missing else "ok"), found[part]
        if part in missing:
            assert "not configured" in found[part].text


@SQLITE
async def test_half_of_pagerduty_pages_and_says_what_it_cannot_check(town: Any) -> None:
    """A routing key without an API key: the page goes out, unverified."""
    await town.muster(pagerduty_api_key=None)
    await town.declared()
    settled = await town.sb.wait_for("#general", "#inc-1-checkout-is-down is open", as_user="U0ANA")
    assert "not checked" in settled.plain
    assert (await town.sb.pagerduty())["incidents"]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"slack_bot_token": None}, "SLACK_BOT_TOKEN"),
        ({"slack_app_token": None, "slack_signing_secret": None}, "SLACK_SIGNING_SECRET"),
        ({"muster_config": Path("nowhere.yaml")}, "nowhere.yaml"),
    ],
    ids=["token", "way-in", "policy"],
)
def test_what_is_required_is_named_before_anything_starts(
    changes: dict[str, Any], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET"):
        monkeypatch.setenv(name, "xoxb-something")
    settings = Settings(**{"muster_config": EXAMPLE, "database_url": "sqlite:///nowhere.db", **changes})
    with pytest.raises(Refused, match=says):
        build(settings)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("severities:", "severitys:", "severities"),
        ("page_within: 0s", "page_within: soon", "page_within"),
        ("dsn: env://CHECKOUT_DSN", "dsn: postgresql://me:hunter2@db/x", "env://"),
        ("groups: [sre, comms]", "groups: [srre]", "sre"),
        ("people: 2 ", "people: two ", "people"),
    ],
    ids=["key", "duration", "password", "group", "number"],
)
def test_a_wrong_policy_is_refused_with_its_line_and_the_right_word(
    tmp_path: Path, old: str, new: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "wrong.yaml"
    text = EXAMPLE.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-something")
    monkeypatch.setenv("SLACK_SIGNING_SECRET", "something")
    with pytest.raises(Refused) as refusal:
        build(Settings(muster_config=path, database_url="sqlite:///nowhere.db"))
    said = str(refusal.value)
    assert says in said
    assert "wrong.yaml:" in said, "file and line"
    assert "hunter2" not in said
