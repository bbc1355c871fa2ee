"""The picture of an offered secret: once, in time, for that secret alone; everything else is the same 404."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from bot import enrolling
from bot.enrolling import redeem, ticket
from bot.web.mfa import Pictures, drawn
from bot.web.server import Server
from playbooks import step_up
from storage import people
from storage.db import Database, Tx
from storage.sealing import Seal, new_key

SEAL = Seal(new_key())


@pytest.fixture
async def ben(db: Database) -> str:
    def work(tx: Tx) -> str:
        known = people.believe(tx, "slack", "T1/UBEN", state=people.MEMBER, name="Ben")
        assert known.person
        return known.person

    return await db.write(work)


@pytest.fixture
async def web(db: Database) -> AsyncIterator[httpx.AsyncClient]:
    server = Server("127.0.0.1", 0)
    server.get("/mfa/{ticket}.png", Pictures(db, SEAL).http)
    server.get("/none/{ticket}.png", Pictures(db, None).http)
    await server.start()
    async with httpx.AsyncClient(base_url=server.url, trust_env=False) as http:
        yield http
    await server.stop()


async def offered(db: Database, person: str) -> tuple[str, str]:
    """(secret, ticket)"""

    def work(tx: Tx) -> tuple[str, str]:
        made = step_up.offer(tx, SEAL, person, "Ben")
        assert made
        return made.secret, ticket(tx, SEAL, person)

    return await db.write(work)


async def test_once_and_not_by_looking(db: Database, ben: str, web: Any) -> None:
    secret, mine = await offered(db, ben)
    assert secret not in mine and len(mine) < 500
    assert (await web.get(f"/none/{mine}.png")).status_code == 404, "without a key there are none"
    assert (await web.head(f"/mfa/{mine}.png")).status_code == 200
    got = await web.get(f"/mfa/{mine}.png")
    assert (got.status_code, got.headers["content-type"]) == (200, "image/png") and got.content.startswith(b"\x89PNG")
    for again in (mine, mine[:-5] + "AAAAA", "x", Seal(new_key()).close("{}")):
        answer = await web.get(f"/mfa/{again}.png")
        assert (answer.status_code, answer.content) == (404, b"")


async def test_an_old_one_or_of_a_secret_that_was_replaced_shows_nothing(
    db: Database, ben: str, web: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, first = await offered(db, ben)
    secret, second = await offered(db, ben)
    assert (await web.get(f"/mfa/{first}.png")).status_code == 404
    with monkeypatch.context() as late:
        late.setattr(enrolling, "GOOD_FOR", timedelta(seconds=-1))
        assert (await web.get(f"/mfa/{second}.png")).status_code == 404
    uri = await db.write(lambda tx: redeem(tx, SEAL, second))
    assert uri and f"secret={secret}" in uri and "issuer=Muster" in uri
    assert drawn(uri).startswith(b"\x89PNG")
