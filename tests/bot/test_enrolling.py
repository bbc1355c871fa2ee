"""The form of `/playbook mfa`: a new key each time it is opened, or words why there is none."""

from __future__ import annotations

from typing import Any

from bot.enrolling import Enrolling
from bot.render.forms import Origin
from playbooks import step_up
from storage import factors, people
from storage.inbox import Ask
from storage.sealing import Seal, new_key
from tests.commands import conftest

house, policy = conftest.house, conftest.policy  # the small house of the commands' tests

SEAL = Seal(new_key())
ORIGIN = Origin("playbook mfa")


def ask(account: str = "T1/UBEN") -> Ask:
    return Ask("k", "command", "playbook mfa", "slack", account, "slack")


async def shown(house: Any, account: str = "T1/UBEN") -> tuple[str, bool]:
    """What the form says, and whether anything can be sent."""
    view = await Enrolling(house).view(ask(account), ORIGIN)
    return str(view["blocks"]), "submit" in view


async def test_a_new_key_each_time_sealed_in_its_row(house: Any) -> None:
    house.seal, house.url = SEAL, "http://127.0.0.1:8080"
    first, sends = await shown(house)
    second, _ = await shown(house)
    assert sends and first != second and "image" not in first, "no picture without a public https address"
    house.url = "https://muster.example.com"
    third, _ = await shown(house)
    assert "'image_url': 'https://muster.example.com/mfa/" in third
    person = (await house.db.read(lambda tx: people.account(tx, "slack", "T1/UBEN"))).person
    found = await house.db.read(lambda tx: step_up.offered(tx, SEAL, person, "Ben"))
    kept = await house.db.read(lambda tx: factors.get(tx, person))
    letters = third.replace(" ", "")
    assert found.secret in letters and found.secret not in kept.secret and kept.state == factors.PENDING


async def test_words_where_there_is_nothing_to_set_up(house: Any) -> None:
    said, sends = await shown(house)
    assert "MUSTER_KEY is not set" in said and not sends
    house.seal = SEAL
    said, sends = await shown(house, "T9/UX")
    assert "another workspace" in said and not sends
    await shown(house)
    person = (await house.db.read(lambda tx: people.account(tx, "slack", "T1/UBEN"))).person
    await house.db.write(lambda tx: factors.confirm(tx, person))
    said, sends = await shown(house)
    assert "You have one-time codes set up" in said and not sends
