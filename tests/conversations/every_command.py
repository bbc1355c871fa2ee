"""For every command one line that a person types and that is right at one prepared moment; and that moment.

A new command needs a line in `TYPED` (a test names those that lack one): who types it and what; `{…}` are the names of
`Moment.names`. A line must change what the command changes, and be answered well. Belongs here: the moment and the
lines. Does not belong here: what befalls them (test_failures_commands.py), how they are played (theatre.py).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.app import App
from bot.sandbox.client import Message
from playbooks.connectors.aws import Aws
from storage import inbox, people, post_mortems, runs
from storage.credentials import new_pairing
from storage.inbox import Ask
from storage.sealing import Seal, new_key
from tests.conversations.theatre import Stage
from tests.phone import Phone
from tests.playbooks.actions.aws.keys import made_key

KEY = new_key()
ANA, BEN, CHI, DOV, EVE, FAY = "U0ANA", "U0BEN", "U0CHI", "U0DOV", "U0EVE", "U0FAY"
TEAM = "T0MUSTER"
NOBODY = "http://127.0.0.1:9/nobody"
HERE = "#inc-1-checkout-is-down"
# Small playbooks that stop where a person is needed.
LOOK = "- {id: look, uses: aws.rds_describe, with: {instance: orders-db}}"
OWN = {
    "ask": "- {id: ask, uses: human.confirm, with: {question: Is the other half repaired?}}",
    "idle": "- {id: ask, uses: human.confirm, with: {question: Is the other half repaired?}}",
    "stuck": "- {id: look, uses: aws.rds_describe, with: {instance: nowhere}}",
}
TYPED: dict[str, tuple[str, str]] = {
    "incident ack": (ANA, "incident=INC-2"),
    "incident capture": (ANA, "{spoken}"),
    "incident cancel": (ANA, "incident=INC-2 false alarm of the probe"),
    "incident catchup": (ANA, ""),
    "incident close": (ANA, "INC-3"),
    "incident contacts": (ANA, ""),
    "incident clock": (ANA, "dora aware-since 00:01 a ledger was read"),
    "incident clocks": (ANA, ""),
    "incident declare": (ANA, "sev2 sign-in is slow service=auth"),
    "incident deploys": (ANA, ""),
    "incident detected": (BEN, "00:01"),
    "incident escalate": (ANA, "nobody answers"),
    "incident eta": (ANA, "45m the replica is catching up"),
    "incident export": (ANA, "csv"),
    "incident followups": (ANA, "add alarm on replica lag"),
    "incident help": (ANA, "declare"),
    "incident hold": (BEN, "case 7 at court"),
    "incident level": (ANA, "incident=INC-2 regional_outage the whole region is dark"),
    "incident impact": (ANA, 'users="12 % of checkouts" all shops'),
    "incident leftovers": (ANA, ""),
    "incident link": (ANA, "https://grafana.example.com/d/1 the dashboard"),
    "incident list": (ANA, "all"),
    "incident mitigated": (ANA, "traffic goes to the replica"),
    "incident merge": (ANA, "INC-2"),
    "incident note": (ANA, "restarted the proxy"),
    "incident notified": (ANA, "gdpr by=<@U0DOV|dov> reference 1187"),
    "incident oncall": (ANA, "checkout"),
    "incident page": (ANA, "<@U0BEN|ben> the database will not come up"),
    "incident parent": (ANA, "INC-2"),
    "incident postmortem": (ANA, ""),
    "incident private": (ANA, "personal data is involved"),
    "incident publish": (ANA, ""),
    "incident redact": (BEN, "{noted} a customer's name"),
    "incident related": (ANA, "INC-2"),
    "incident release": (BEN, "incident=INC-2 the case is closed"),
    "incident reopen": (ANA, "incident=INC-3 it is back"),
    "incident resolve": (CHI, 'accept="it was leaked" writer failed over'),
    "incident restored": (ANA, ""),
    "incident role": (ANA, "commander <@U0DOV|dov>"),
    "incident send": (ANA, "draft={draft}"),
    "incident service": (ANA, "add auth"),
    "incident sev": (ANA, "incident=INC-2 sev1 all shops are hit"),
    "incident shift": (BEN, "<@U0EVE|eve> the bank calls back at six"),
    "incident snooze": (ANA, "update 2h"),
    "incident status": (ANA, ""),
    "incident subscribe": (EVE, ""),
    "incident task": (ANA, "<@U0BEN|ben> due=30m check the replica"),
    "incident tasks": (BEN, "done=1"),
    "incident tell": (ANA, "internal Checkout is back."),
    "incident timeline": (ANA, "after=3"),
    "incident triage": (ANA, "T-1 dismiss known, being fixed"),
    "incident uncapture": (ANA, "{marked}"),
    "incident unsubscribe": (DOV, ""),
    "incident update": (ANA, "Checkout is back; we are watching."),
    "playbook abort": (ANA, "{held} wrong service"),
    "playbook accept": (CHI, "{closed} it was leaked"),
    "playbook answer": (BEN, "{asks} yes seen by eye"),
    "playbook approve": (CHI, "{held}"),
    "playbook auditor": (BEN, "<@U0EVE|eve> {pairing} days=14 the yearly audit"),
    "playbook break-glass": (BEN, "{held} rules=people code={code} nobody else answers"),
    "playbook cli": (BEN, "{pairing} code={code}"),
    "playbook confirm": (CHI, "{decision}"),
    "playbook confirm-member": (CHI, "<@U0EVE|eve> sre"),
    "playbook decisions": (ANA, ""),
    "playbook deny": (CHI, "{held} the replica is behind"),
    "playbook erase": (CHI, "<@U0EVE|eve> asked to be forgotten"),
    "playbook escrow": (BEN, "{erased} the regulator asks"),
    "playbook help": (ANA, "run"),
    "playbook join": (BEN, "<@U0BEN|ben> pagerduty:PX1A2B3"),
    "playbook list": (ANA, "failover"),
    "playbook mfa": (BEN, "off code={code}"),
    "playbook pause": (ANA, "{asks}"),
    "playbook plan": (ANA, "mine/look"),
    "playbook reject": (CHI, "{decision} nobody asked for this"),
    "playbook resume": (ANA, "{idle}"),
    "playbook retry": (ANA, "{stuck}"),
    "playbook review": (CHI, "{closed} accept"),
    "playbook revoke": (BEN, "{held} wrong zone"),
    "playbook run": (ANA, "failover/rds-multi-az service=checkout"),
    "playbook search": (ANA, "rds failover"),
    "playbook show": (ANA, "failover/rds-multi-az"),
    "playbook skip": (ANA, "{asks} checked by hand"),
    "playbook status": (ANA, "{held}"),
    "playbook undo": (ANA, "{closed} it was in good hands"),
}
# The other things such a command does: its words, who, and a line that is right at that moment.
ALSO = (
    ("incident followups", ANA, "list"), ("incident followups", ANA, "done f1 it rings now"),
    ("incident followups", ANA, "change f1 owner=<@U0EVE|eve> she knows the replica"),
    ("incident followups", ANA, "incident=INC-2 take"), ("incident service", ANA, "remove checkout"),
    ("incident tasks", ANA, "take=1"), ("incident triage", ANA, "T-1 join INC-2"),
    ("playbook cli", BEN, "revoke"), ("playbook mfa", ANA, "reset <@U0BEN|ben>"),
)  # fmt: skip
ITEMS = "## Action items\n\n| What | Who | Due |\n|---|---|---|\n| alarm on replica lag | Ben | |\n"


@dataclass
class Moment:
    """An incident in the middle: one run held for approval, one that asks, one that is stuck, one that closed a key
    alone; a decision under way; a second incident that is on hold; somebody who was erased."""

    names: dict[str, str]
    cards: dict[str, Message]
    phone: Phone
    webhook: str

    async def line(self, words: str, rest: str) -> str:
        """What is typed now."""
        given = dict(self.names)
        if "{code}" in rest:
            given["code"] = await self.phone.code()
        return f"/{words} {rest.format(**given)}".strip()


@dataclass(frozen=True)
class Play:
    """One thing somebody does at the moment. kind: of Slack's delivery, "" where Slack has no part in it; person: whether
    somebody waits for an answer."""

    name: str
    user: str
    kind: str
    act: Callable[[Stage, Moment], Awaitable[Any]]
    person: bool = True
    words: str = ""
    first: str = ""  # a statement that makes the moment fit


def typed(words: str) -> Play:
    """The command's line."""
    user, rest = TYPED[words]
    return _typed(words, words, user, rest)


def typed_also() -> list[Play]:
    """Those for the other things that commands do."""
    return [_typed(f"{words} {rest}".strip(), words, user, rest) for words, user, rest in ALSO]


def _typed(name: str, words: str, user: str, rest: str) -> Play:
    async def act(stage: Stage, moment: Moment) -> Any:
        return await stage.town.sb.type(user, HERE, await moment.line(words, rest))

    return Play(name, user, "slash_commands", act, words=words)


def pressed(button: str, card: str, user: str, words: str) -> Play:
    """A button of one of the moment's cards."""

    async def act(stage: Stage, moment: Moment) -> Any:
        return await stage.town.sb.click(user, HERE, button, ts=moment.cards[card].ts)

    return Play(f"press {button}", user, "interactive", act, words=words)


def fired(kind: str, subject: str, first: str = "", **values: Any) -> Play:
    """A timer of the clock's. first: makes it due."""

    async def act(stage: Stage, moment: Moment) -> Any:
        about = subject.format(**moment.names)
        ask = Ask(f"timer:{kind}:{about}:now", "timer", f"timer {kind} {about}", "muster", "clock", "clock", values)
        await stage.app.db.write(lambda tx: inbox.store(tx, [ask]))

    return Play(f"timer {kind}", ANA, "", act, person=False, first=first)


async def _hook(stage: Stage, moment: Moment) -> Any:
    """PagerDuty's word, which reaches Muster for as long as this takes."""
    sb = stage.town.sb
    await sb.deliver_to(pagerduty_url=f"{stage.app.url}/webhooks/pagerduty")
    assert await sb.webhook_again(moment.webhook) in (200, 202)
    await sb.deliver_to(pagerduty_url=NOBODY)


async def _alerts(stage: Stage, moment: Moment) -> Any:
    """Alertmanager's word, which reaches Muster for as long as this takes."""
    sb = stage.town.sb
    await sb.deliver_to(pagerduty_url=f"{stage.app.url}/webhooks/pagerduty")
    assert await sb.alert({"labels": {"alertname": "Down", "service": "auth"}}) == 202
    await sb.deliver_to(pagerduty_url=NOBODY)


async def _pinned(stage: Stage, moment: Moment) -> Any:
    return await stage.town.sb.pin(BEN, HERE, moment.names["spoken"].partition("/")[2])


async def _edited(stage: Stage, moment: Moment) -> Any:
    return await stage.town.sb.edit(BEN, HERE, moment.names["marked"].partition("/")[2], "said otherwise")


async def _home(stage: Stage, moment: Moment) -> Any:
    return await stage.town.sb.open_home(BEN)


async def _form(stage: Stage, moment: Moment) -> Any:
    sb = stage.town.sb
    old = {view.id for view in await sb.views(ANA)}
    await sb.type(ANA, HERE, "/incident note")
    view = await sb.wait_until(lambda: _new(sb, old))
    return await sb.submit(ANA, {"text": "written in a form"}, view_id=view.id)


async def _new(sb: Any, old: set[str]) -> Any:
    return next((view for view in await sb.views(ANA) if view.id not in old), None)


async def _mention(stage: Stage, moment: Moment) -> Any:
    return await stage.town.sb.type(ANA, HERE, "<@U0MUSTER> incident note said in passing")


OTHERS = (
    pressed("Approve", "approval", CHI, "playbook approve"),
    pressed("Take command", "board", DOV, "incident role"),
    pressed("Retry", "stuck", ANA, "playbook retry"),
    Play("submit the form of a note", ANA, "interactive", _form, words="incident note"),
    Play("mention", ANA, "events_api", _mention, words="incident note"),
    Play("webhook acknowledged", ANA, "", _hook, person=False),
    Play("webhook alerts", ANA, "", _alerts, person=False),
    Play("pin a message", BEN, "events_api", _pinned, words="incident capture"),
    Play("edit a message", BEN, "events_api", _edited, person=False),
    Play("open the home tab", BEN, "events_api", _home, person=False),
    fired("acknowledge", "INC-1"),
    fired("archive", "INC-3"),
    fired("anchor", "all"),
    fired("anchored", "{closed}"),
    fired("answered", "{held}/1"),
    fired("approvers", "{held}/1", rung=1),
    fired("clock", "INC-1/gdpr"),
    fired("customer_mail", "INC-1"),
    fired("decision", "{decision}", "UPDATE decisions SET expires_at = opened_at WHERE state = 'open'"),
    fired("eta", "INC-1"),
    fired("followup", "INC-1/f1", again=True),
    fired("quorum-check", "org"),
    fired("review", "{closed}/1"),
    fired("role", "INC-1"),
    fired("settle", "{stuck}"),
    fired("task", "INC-1/1", "UPDATE timers SET due_at = due_at WHERE kind = 'task'"),
    fired("ticketed", "{closed}"),
    fired("tickets", "INC-1"),
    fired("update", "INC-1", "UPDATE incidents SET update_due_at = declared_at WHERE id = 'INC-1'"),
)


async def prepared(town: Any, folder: Path, policy: Path) -> Moment:
    """Play a Muster to that moment and stop it."""
    own = folder / "own/mine"
    own.mkdir(parents=True)
    for name, step in {**OWN, "look": LOOK}.items():
        (own / f"{name}.yaml").write_text(f"name: mine/{name}\ntitle: {name}\nsteps:\n  {step}\n", encoding="utf-8")
    sb = town.sb
    await sb.settings(event_retry_seconds=[], webhook_retry_seconds=[])  # nothing of before comes later
    await sb.user(FAY, name="Fay", email="fay@example.com")
    await sb.group("sre", add=[FAY])
    app: App = await town.muster(muster_playbooks=str(own.parent), muster_key=KEY, policy=policy)
    assert await town.declared() == HERE
    await sb.change_channel(HERE.removeprefix("#"), add=[ANA, BEN, CHI, DOV, EVE, FAY])
    for user in (BEN, CHI, DOV, EVE):
        await sb.type(user, HERE, "/incident list")
    await town.says(ANA, HERE, "/incident note a customer's name", "Noted")
    await town.says(ANA, "#general", "/incident declare sev3 search is slow", "INC-2")
    assert await sb.alert({"labels": {"alertname": "DiskFull"}}) == 202
    await sb.wait_for("#incidents", lambda m: m.button("Dismiss") is not None)
    await town.says(ANA, HERE, "/incident task <@U0BEN|ben> call the bank", "task 1")
    await town.says(DOV, HERE, "/incident subscribe", "You are told")
    await town.says(ANA, "#general", "/incident declare sev3 a typo", "INC-3")
    await town.says(ANA, "#general", "/incident cancel incident=INC-3 it was none", "cancelled")
    spoken = {name: str((await sb.type(BEN, HERE, f"a message that is {name}")).body) for name in ("spoken", "marked")}
    room = await sb.find_channel(HERE.removeprefix("#"))
    await town.says(BEN, HERE, f"/incident capture {room['id']}/{spoken['marked']}", "is on")
    phone = await Phone.of(app.db, Seal(KEY), await _person(town, BEN))
    names = {"pairing": new_pairing(), **await _runs(town, app, phone), **await _decided(town)}
    (note,) = await town.events("INC-1", "incident.note")
    names["noted"] = str(note.seq)
    await town.says(ANA, HERE, "/incident clock gdpr aware=2026-01-01T00:00 data was read", "GDPR")
    await town.says(ANA, HERE, "/incident followups add due=2027-11-01T12:00 alarm on lag", "f1")
    await town.says(ANA, HERE, "/incident eta 1h", "expected to be over")
    names |= {name: f"{room['id']}/{ts}" for name, ts in spoken.items()}
    preview = await town.says(ANA, HERE, "/incident update Checkout is back.", "Preview")
    names["draft"] = str(preview.button("Send").value).split("draft=")[1].split('"')[0].split()[0]
    cards = {
        "board": await sb.wait_for(HERE, lambda m: m.button("Take command") is not None),
        "approval": await sb.wait_for(HERE, lambda m: m.button("Approve") is not None),
        "stuck": await sb.wait_for(HERE, lambda m: m.button("Retry") is not None and "mine/stuck" in m.plain),
    }
    await sb.deliver_to(pagerduty_url=NOBODY)
    await sb.acknowledge("muster/INC-1", "ben@example.com")
    hooks = [h for h in (await sb.pagerduty())["webhooks"] if h["event_type"] == "incident.acknowledged"]
    await sb.wait_until(lambda: _quiet(app))
    await sb.wait_until(lambda: _heard(sb))
    given = {"by": names["erased"], "section": "action-items", "before": "", "key": "items"}
    await app.db.write(lambda tx: post_mortems.save(tx, "INC-2", ITEMS, **given))
    await app.stop()
    town.apps.remove(app)
    return Moment(names, cards, phone, hooks[0]["id"])


async def _runs(town: Any, app: App, phone: Phone) -> dict[str, str]:
    """One closed a key on one word, one asks, one is stuck, one is held with one yes of two."""
    aws: Aws = app.house.engine.house.tools[Aws]
    key = await made_key(aws)
    await town.sb.type(BEN, HERE, f"/playbook run contain/deactivate-key key={key}")
    await town.sb.wait_for(HERE, lambda m: m.button("Approve") is not None, timeout=60)
    await town.says(BEN, HERE, f"/playbook approve code={await phone.code()}", "it starts now")
    await town.sb.wait_for(HERE, lambda m: m.button("Accept") is not None, timeout=60)
    for name in OWN:
        await town.says(ANA, HERE, f"/playbook run mine/{name}", f"mine/{name} is asked for")
    mine = await _mine(town)
    await town.says(ANA, HERE, f"/playbook pause {mine['mine/idle']}", "starts nothing new")
    await town.sb.type(ANA, HERE, "/playbook run failover/rds-multi-az service=checkout")
    card = await town.sb.wait_for(HERE, lambda m: m.button("Approve") is not None and "Reboot" in m.plain, timeout=60)
    await town.presses(BEN, HERE, "Approve", card, "1 of 2")
    mine = await _mine(town)
    return {
        "declared": mine["declare/default"], "closed": mine["contain/deactivate-key"], "asks": mine["mine/ask"],
        "idle": mine["mine/idle"], "stuck": mine["mine/stuck"],
        "held": mine["failover/rds-multi-az"],
    }  # fmt: skip


async def _mine(town: Any) -> dict[str, str]:
    """The runs of INC-1 by the playbook's name."""
    return {run.playbook: run.id for run in await town.read(lambda tx: runs.of_incident(tx, "INC-1"))}


async def _decided(town: Any) -> dict[str, str]:
    """INC-2 is on hold, Fay is erased, and Ben vouches for Dov, which waits for a second approver."""
    sb = town.sb
    erased = await _person(town, FAY)
    await town.says(BEN, HERE, "/incident hold incident=INC-2 case 7", "D-1")
    await town.says(FAY, HERE, "/playbook confirm D-1", "")
    await town.says(BEN, HERE, "/playbook erase <@U0FAY|fay> she left", "D-2")
    await town.says(CHI, HERE, "/playbook confirm D-2", "erased")
    await sb.group("sre", add=[DOV, EVE], remove=[FAY], by=ANA)
    await town.says(BEN, HERE, "/playbook confirm-member <@U0DOV|dov> sre", "D-3")
    return {"erased": erased, "decision": "D-3"}


async def _person(town: Any, user: str) -> str:
    async def known() -> Any:
        found = await town.read(lambda tx: people.account(tx, "slack", f"{TEAM}/{user}"))
        return found and found.person

    return str(await town.sb.wait_until(known))


async def _quiet(app: App) -> bool:
    """Nothing is under way any more but what waits for a person."""

    def look(tx: Any) -> bool:
        mine = [run for one in ("INC-1", "INC-2", "INC-3") for run in runs.of_incident(tx, one)]
        going = [run for run in mine if run.state == "running"]
        return not going

    return await app.db.read(look)


async def _heard(sb: Any) -> bool:
    """Slack has no event left to deliver."""
    return all(one["done"] for one in await sb.deliveries())
