"""/incident level"""

from __future__ import annotations

from typing import Any

import pytest

from bot.render.board import draw, read
from playbooks.engine.post_mortem import TimelineDrafts
from playbooks.errors import Refused
from playbooks.policy import parse_policy
from storage import verify
from tests.commands.conftest import POLICY


async def board(talk: Any) -> str:
    facts, around = await talk.read(lambda tx: read(tx, "INC-1", talk.house.policy, ""))
    return str(draw(facts, around).blocks)


async def test_it_says_what_it_means_raises_the_severity_and_stands_on_the_board(talk: Any) -> None:
    id = await talk.declare("sev2 checkout is slow service=checkout")
    reply = await talk("Ben", "incident level region the whole region is dark")
    first, means, raised, *rest = reply.text.splitlines()
    assert first == "🌪️ *INC-1*: disaster level *Regional outage*."
    assert "RTO 1 h (ends *" in means and "RPO 15 min." in means
    assert "Recovers at: other region (west: Ireland); playbooks do a part of it." in means
    assert "*INC-1* is *sev1* now (was sev2)." in raised and "The on-call is being paged." in rest
    assert rest[-1] == "Run: `/playbook run failover/secondary-site`."
    assert [one.line for one in reply.buttons] == ["playbook plan failover/secondary-site"]
    found = await talk.incident(id)
    assert (found.severity, found.facts["disaster_level"]) == ("sev1", "regional_outage")
    (event,) = await talk.events(id, "incident.level")
    assert event.body == {"from": None, "to": "regional_outage"} and event.text("reason") == "the whole region is dark"
    assert "Disaster level *Regional outage*: RTO 1 h, ends *" in await board(talk)
    reply = await talk("Ben", "incident level rack it was one rack")
    assert "*A rack is out* (was regional_outage)" in reply.text and "no playbook" in reply.text
    assert (await talk.incident(id)).severity == "sev1", "a level is a floor: nothing is lowered"
    assert "Its severity stays *sev1*" in (await talk("Ben", "incident level none all of it answers")).text
    assert "Disaster level" not in await board(talk)
    body = (await TimelineDrafts(talk.house.db, talk.house.policy).post_mortem(id, "one")).body
    assert "| — | level regional\\_outage |" in body and "| level rack | no disaster |" in body
    assert all(one.ok for one in await talk.read(verify.check_database))


async def test_wrong_words_wrong_people_and_what_is_so_already(talk: Any) -> None:
    id = await talk.declare()
    for who, line, words in (
        (
            "Ben",
            "incident level regionaloutag all dark",
            "Did you mean *regional_outage*? There are: regional_outage, rack.",
        ),
        ("Ben", "incident level rack", "It needs *reason*"),
        ("Ben", "incident level none it was nothing", "is not declared a disaster; nothing was changed"),
        ("Ana", "incident level rack a rack is out", "`/incident level` is for `@sre`"),
    ):
        reply = await talk(who, line)
        assert not reply.ok and words in reply.text, reply.text
    assert (await talk("Ben", "incident level rack a rack is out")).ok
    assert "is *rack* already" in (await talk("Ben", "incident level rack a rack is out")).text
    assert (await talk("Ben", "incident resolve")).ok
    assert "has ended" in (await talk("Ben", "incident level region too late")).text
    assert len(await talk.events(id, "incident.level")) == 1


def test_the_policy_names_severities_and_sites_that_are_there() -> None:
    with pytest.raises(Refused) as error:
        parse_policy(POLICY.replace("severity: sev3 }", "severity: sev4, site: wets }").replace("[region]", "[rack]"))
    for words in ("there is no severity sev4", "there is no site wets", "rack already means"):
        assert words in str(error.value)
