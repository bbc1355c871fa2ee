"""While Slack does not answer: two people approve from their terminals, the failover happens, the card is shown once."""

from __future__ import annotations

import asyncio
import re
import stat
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from bot import cli, cli_login, cli_person
from bot.app import App
from bot.cli_person import How
from playbooks.errors import Refused
from storage import credentials, people, runs
from storage.credentials import new_pairing, new_token
from storage.sealing import Seal, new_key
from tests.conversations.test_approvals_votes import ANA, BEN, CHI, RUN, TEAM, Box
from tests.phone import Phone

KEY = new_key()
SEAL = Seal(KEY)


class Terminal:
    """One person's enrolled terminal. `await terminal("incident list")` -> exit code and what it printed."""

    def __init__(self, app: App, phone: Phone, file: Path, capsys: Any) -> None:
        self.app, self.phone, self.file, self.capsys = app, phone, file, capsys

    @classmethod
    async def of(cls, app: App, user: str, folder: Path, capsys: Any) -> Terminal:
        """Enrolled in rows."""
        account = await app.db.read(lambda tx: people.account(tx, "slack", f"{TEAM}/{user}"))
        assert account is not None and account.person is not None
        person, pairing, token = account.person, new_pairing(), new_token()
        await app.db.write(lambda tx: credentials.allow(tx, person, pairing))
        mine = await app.db.write(lambda tx: credentials.claim(tx, pairing, token, user))
        assert mine is not None
        cli_login.save(folder / user, token, mine.id)
        return cls(app, await Phone.of(app.db, SEAL, person), folder / user, capsys)

    def how(self, code: str) -> How:
        return How(code=lambda: code, file=self.file)

    async def __call__(self, line: str, code: str = "") -> tuple[int, str]:
        given = code or await self.phone.code()
        ended = await cli_person.say(self.app.settings, line, self.how(given))
        return ended, self.capsys.readouterr().out

    async def approves(self, code: str = "") -> tuple[int, str]:
        """`muster approve`: what is approved is shown before the code is asked for."""
        given = code or await self.phone.code()
        ended = await cli_person.approve(self.app.settings, RUN, self.how(given))
        out = self.capsys.readouterr()
        assert "Reboot orders-db" in out.err and "sha256:" in out.err
        return ended, out.out


async def aged(app: App, hours: float) -> None:
    """As if nobody had been looked at for so long."""

    def work(tx: Any) -> None:
        for table, column in (("accounts", "believed_at"), ("memberships", "seen_at")):
            ago = f"-{hours} hours"
            now = f"strftime('%Y-%m-%d %H:%M:%f000', 'now', '{ago}')" if tx.sqlite else f"now() + interval '{ago}'"
            tx.conn.execute(text(f"UPDATE {table} SET {column} = {now} WHERE {column} IS NOT NULL"))

    await app.db.write(work)


async def test_two_people_approve_from_their_terminals_while_slack_is_away(
    town: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    app = await town.muster(muster_key=KEY)
    for user in (ANA, BEN, CHI):
        await town.says(user, "#incidents", "/incident list", "")
    ana, ben, chi = [await Terminal.of(app, user, tmp_path, capsys) for user in (ANA, BEN, CHI)]
    before = len(await town.sb.messages("#incidents"))
    await town.sb.fail("slack", "*", "503", times=-1)
    await town.sb.disconnect(hard=True)

    ended, said = await ana(f"playbook run failover/rds-multi-az service=checkout")  # noqa: F541
    assert ended == 0, said
    box = Box(town, None)  # type: ignore[arg-type]
    await box.state("open")
    assert (await ana.approves())[0] == 1
    ended, said = await ben.approves(await ben.phone.bad())
    assert ended == 1 and "wrong" in said
    await aged(app, 49)
    ended, said = await ben.approves()
    assert ended == 1 and "directory_max_age" in said, "older than policy `unreachable_max_age`"
    await aged(app, 40)
    ended, said = await ben.approves()
    assert ended == 0 and "1 of 2" in said, said
    ended, said = await chi.approves()
    assert ended == 0 and "it starts now" in said, said
    await box.ended()
    assert await town.reboots() == 1
    assert len(await town.sb.messages("#incidents")) == before, "Slack has shown nothing"
    votes = await town.read(lambda tx: runs.votes_on(tx, f"{RUN}/1"))
    assert {(vote.person, vote.account_kind, vote.proof) for vote in votes} == {
        (one.phone.person, "cli", "totp") for one in (ben, chi)
    }
    voted = [(e.body["person"], e.body["counted"], e.body["via"]) for e in await town.events("org", "approval.voted")]
    assert voted == [
        (ana.phone.person, False, "cli"), (ben.phone.person, False, "cli"), (ben.phone.person, False, "cli"),
        (ben.phone.person, True, "cli"), (chi.phone.person, True, "cli"),
    ]  # fmt: skip
    assert len({e.body["digest"] for e in await town.events("org", "approval.voted")}) == 1

    await town.sb.clear_faults("slack")
    card = await town.sb.wait_for("#incidents", lambda m: "🔐" in m.plain and "started" in m.plain, timeout=60)
    await asyncio.gather(app.projector.settle(), app.sender.settle())
    shown = [m for m in await town.sb.messages("#incidents") if "🔐" in m.plain]
    assert [m.ts for m in shown] == [card.ts] and not card.buttons, "once, as it ended"
    assert "Ben" in card.plain and "Chi" in card.plain
    assert sum(1 for e in await town.events("org", "card.told") if e.body["kind"] == "approval") == 1
    await town.proven()


async def test_enrolling_and_ending_a_terminal(
    town: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = await town.muster(muster_key=KEY)
    monkeypatch.setattr(cli_login, "LOOK_EVERY_S", 0.05)
    await town.says(BEN, "#incidents", "/incident list", "")
    box = Box(town, None)  # type: ignore[arg-type]
    phone = await Phone.of(app.db, SEAL, str(await box.person(BEN)))
    file = tmp_path / "config" / "terminal.json"
    with pytest.raises(Refused, match="muster login"):
        await cli_person.say(app.settings, "incident list", How(code=lambda: "123456", file=file))
    entering = asyncio.create_task(cli_login.login(app.settings, file=file, wait_s=60))
    await asyncio.sleep(0)
    shown = re.search(r"/playbook cli ([A-Z2-9]{4}-[A-Z2-9]{4})", capsys.readouterr().out)
    assert shown
    said = await town.says(BEN, "#incidents", f"/playbook cli {shown[1]}", "needs a one-time code")
    before = {m.ts for m in await town.sb.messages("#incidents", BEN)}
    await town.sb.click(BEN, "#incidents", "Enter my code", ts=said.ts)
    await town.sb.wait_until(lambda: town.sb.views(BEN))
    await town.sb.submit(BEN, {"code": await phone.code()})
    await box.told(BEN, "speaks for you", before)
    assert await asyncio.wait_for(entering, 20) == 0
    assert "speaks for Ben" in capsys.readouterr().out
    assert stat.S_IMODE(file.stat().st_mode) == 0o600 and stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    token = cli_login.read(file)
    ben = Terminal(app, phone, file, capsys)
    ended, out = await ben("incident list")
    assert ended == 0, out
    with pytest.raises(Refused, match="only against the sandbox"):
        await cli.say(
            app.settings.model_copy(update={"sandbox_url": None}), "incident list", as_user=ANA, channel=None, wait_s=1,
            as_json=False,
        )  # fmt: skip
    with pytest.raises(Refused, match="MUSTER_KEY"):
        keyless = app.settings.model_copy(update={"muster_key": None})
        await cli_person.say(keyless, "incident list", How(code=lambda: "123456", file=file))
    file.chmod(0o644)
    with pytest.raises(Refused, match="read by others"):
        cli_login.read(file)
    file.chmod(0o600)
    assert await cli_login.logout(app.settings, file=file) == 0 and not file.exists()
    cli_login.save(file, token, "kept a copy")
    with pytest.raises(Refused, match="ended or was revoked"):
        await ben("incident list")
    types = [e.type for e in await town.events("org") if e.type.startswith("credential.")]
    assert types == ["credential.allowed", "credential.enrolled", "credential.revoked"]
    await town.proven()
