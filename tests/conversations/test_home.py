"""App Home: what waits for me is answered there, and what changes while I look is drawn again."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.client import Seen
from tests.conversations.conftest import Town

ANA, BEN, CHI, GUS = "U0ANA", "U0BEN", "U0CHI", "U0GUS"
pytestmark = pytest.mark.parametrize("url", ["sqlite"], indirect=True)


async def shows(town: Town, user: str, *words: str, lacks: str = "\0") -> Seen:
    async def there() -> Any:
        home = await town.sb.home(user)
        return home if home and all(word in home.plain for word in words) and lacks not in home.plain else None

    try:
        return await town.sb.wait_until(there, timeout=60)  # type: ignore[no-any-return]
    except TimeoutError:
        home = await town.sb.home(user)
        raise AssertionError(f"{words} without {lacks!r} is not what {user} sees: {home and home.plain}") from None


async def test_what_waits_for_me_is_answered_from_home(town: Town) -> None:
    await town.muster()
    sb = town.sb
    await sb.open_home(BEN)
    await shows(town, BEN, "Nothing waits for your word", "Nothing is open", "1. Ben")
    room = await town.declared()
    await shows(town, BEN, "INC-1 · sev1 · checkout is down")  # nobody opened it again
    await town.says(ANA, room, "/incident role commander <@U0BEN|ben>", "commander")
    await shows(town, BEN, "commander* of")
    await sb.alert({"labels": {"alertname": "DiskFull"}})
    await shows(town, BEN, "T-1", "DiskFull")
    await town.asked(room)
    home = await shows(town, BEN, "Reboot orders-db", "Approved by: —")
    await sb.click(BEN, None, "Approve", view_id=home.id)
    await sb.wait_for("@U0BEN", "1 of 2")
    await shows(town, BEN, "Nothing waits for your word", lacks="Reboot orders-db")
    await sb.open_home(ANA)
    await shows(town, ANA, "INC-1", lacks="Reboot orders-db")  # who asked has no vote
    await sb.open_home(CHI)
    home = await shows(town, CHI, "Reboot orders-db", "(1 of 2")
    await sb.click(CHI, None, "Deny", view_id=home.id)
    await sb.wait_until(lambda: sb.views(CHI))
    await sb.submit(CHI, {"reason": "the replica is behind"})
    await shows(town, CHI, "Nothing waits for your word")
    (denied,) = await sb.wait_until(lambda: town.events("INC-1", "approval.denied"))
    assert denied.body["approval"]

    await sb.open_home(GUS)
    await shows(town, GUS, "full members", lacks="INC-1")
    await sb.fail("slack", "views.publish", "500", times=2)
    await town.says(ANA, "#general", "/incident declare sev3 search is slow", "INC-2")
    await shows(town, ANA, "INC-2")  # tried again
    await town.says(ANA, "#general", "/incident declare sev2 a leak type=security", "INC-3")
    await shows(town, ANA, "INC-3", "restricted")
    await shows(town, BEN, "INC-2", lacks="INC-3")
    await town.proven()
