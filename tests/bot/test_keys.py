"""`muster keys` and the doctor: which key sealed what, in words and exit codes, on a real process and both databases."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from bot import doctor_keys, keys
from bot.settings import Settings
from playbooks.errors import Refused
from storage import escrow, factors, grants, people
from storage.db import Database, Tx
from storage.sealing import Seal, new_key
from tests.bot.test_main import muster

OLD, NEW = new_key(), new_key()


def sealed(tx: Tx) -> str:
    """Ben's factor and an erased person's escrow, both by the old key; Ben's id."""
    ben = people.believe(tx, "slack", "T1/UBEN", state=people.MEMBER, name="Ben").person
    assert ben and factors.offer(tx, ben, Seal(OLD).close("secret"))
    escrow.keep(tx, Seal(OLD), "P-GONE", {"name": "x"}, tx.now + timedelta(days=9))
    return ben


def settings(db: Database, key: str | None) -> Settings:
    """Of a process on this database that holds this key, or these."""
    return Settings(database_url=db.url, muster_key=SecretStr(key) if key else None)


async def doctor(db: Database, key: str | None) -> tuple[str, str]:
    """(state, words) of what the doctor finds."""
    (found,) = await db.read(lambda tx: doctor_keys.look(tx, settings(db, key).seal))
    return found.state, found.text


async def test_the_doctor_and_both_verbs_say_how_they_stand(db: Database, capsys: pytest.CaptureFixture[str]) -> None:
    assert await db.read(lambda tx: doctor_keys.look(tx, None)) == []
    ben = await db.write(sealed)
    assert await doctor(db, OLD) == ("ok", "2 sealed values, all by the newest key")
    both, state = settings(db, f"{NEW},{OLD}"), await doctor(db, f"{NEW},{OLD}")
    assert state[0] == "warning" and "0 by the newest key, 2 by an older one. Run `muster keys rotate`" in state[1]
    assert (await doctor(db, NEW))[0] == "broken" and (await doctor(db, None))[0] == "broken"
    assert await keys.show(both) == 1

    with pytest.raises(Refused) as refused:
        await keys.rotate(settings(db, NEW))
    assert f"one-time codes of {ben} (Ben); escrow of P-GONE" in str(refused.value) and NEW not in str(refused.value)
    with pytest.raises(Refused, match="not set"):
        await keys.rotate(settings(db, None))
    assert (await doctor(db, OLD))[0] == "ok", "nothing was changed"

    capsys.readouterr()
    if db.sqlite:  # as a process of its own, once
        ended = muster("keys", "rotate", DATABASE_URL=db.url, MUSTER_KEY=f"{NEW} {OLD}")
        assert ended.returncode == 0, ended.stderr
        said = ended.stdout + ended.stderr
    else:
        assert await keys.rotate(both) == 0
        said = capsys.readouterr().out
    assert said.startswith("2 sealed anew by the newest key (escrow 1, one-time codes 1), an event of the org")
    assert "newest key alone" in said and OLD not in said
    assert await keys.rotate(both) == 0 and capsys.readouterr().out.startswith(
        "0 sealed anew by the newest key; 2 were"
    )
    assert await keys.show(both) == 0 and "older keys can be taken out" in capsys.readouterr().out
    assert (await doctor(db, NEW))[0] == "ok" and (await doctor(db, OLD))[0] == "broken"


async def test_the_applications_login_is_told_whose_part_it_is(db: Database) -> None:
    if db.sqlite:
        pytest.skip("there are no roles")
    await db.write(sealed)

    def roles(tx: Tx) -> None:
        for statement in grants.statements():
            tx.conn.execute(text(statement))
        for login, role in (("sealing_app", grants.APP), ("sealing_owner", grants.MIGRATOR)):
            tx.conn.execute(text(f"DROP ROLE IF EXISTS {login}"))
            tx.conn.execute(text(f"CREATE ROLE {login} LOGIN"))
            tx.conn.execute(text(f"GRANT {role} TO {login}"))

    def login(name: str) -> Settings:
        return settings(db, f"{NEW},{OLD}").model_copy(update={"database_url": db.url.replace("postgres:", f"{name}:")})

    await db.write(roles)
    with pytest.raises(Refused, match="muster migrate"):
        await keys.rotate(login("sealing_app"))
    assert (await doctor(db, OLD))[0] == "ok", "nothing was changed"
    assert await keys.rotate(login("sealing_owner")) == 0
    assert (await doctor(db, NEW))[0] == "ok"
