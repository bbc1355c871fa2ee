"""What people type: any title gives a legal channel name, nothing typed mentions anybody, and wrong words are helped."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from bot.app import build
from bot.sandbox.client import Message
from bot.settings import Settings

EXAMPLE = Path(__file__).parents[2] / "muster.example.yaml"
SQLITE = pytest.mark.parametrize("url", ["sqlite"], indirect=True)
LEGAL = re.compile(r"^[a-z0-9][a-z0-9_-]{0,79}$")
EXPANDED = re.compile(r"<!(channel|here|everyone)|<@U0EVE|<!subteam")
TITLES = (
    "結帳失敗", "Оплата не работает", "الدفع معطل", "תשלום שבור", "चेकआउट बंद है", "🔥🔥🔥", "💳 is 💀", "!!! ??? ...",
    "-", "ÜBER ñandú œuvre", "checkout is down", "checkout is down", "CHECKOUT IS DOWN!", "a" * 300,
    "&lt;!channel&gt; look", "<!channel> <!here> <@U0EVE> <!subteam^S0SRE>", "@channel @here @everyone",
    "<https://evil.example.com|click me>", "*bold* _it_ ~no~ `code` ```block```", "“quotes” and 'more' \"quotes\"",
    "\u202eevil\u202c rtl", "zero\u200bwidth", "tab\tand  spaces", "'; DROP TABLE incidents; --", "{{ 7777 * 7 }} ${{ x }}",
    "payload=1&payload", "inc-1-checkout-is-down", "null", "..", "C0GENERAL",
)  # fmt: skip
# In #general, with no incident named. What is typed -> what the answer says, whatever its case.
OUTSIDE = {
    "/incident declare sev9 x": ("sev9", "sev1", "sev2", "sev3", "/incident declare sev1"),
    "/incident declare critcal x": ("critcal", "critical"),
    "/incident declare sev1 x service=chekout": ("chekout", "checkout"),
    "/incident declare sev1 x type=secret": ("secret", "security"),
    "/incident declare sev1": ("title", "/incident declare"),
    "/incident decalre sev1 x": ("decalre", "declare"),
    "/incident frobnicate": ("frobnicate", "/incident help"),
    "/incident resolve": ("which incident", "/incident"),
    "/incident resolve INC-99 done": ("INC-99", "/incident list"),
    "/incident timeline": ("which incident",),
    "/playbook run failover/rds-mutli-az": ("failover/rds-mutli-az", "did you mean", "failover/rds-multi-az"),
    "/playbook run failover/rds-multi-az": ("service", "checkout", "service=checkout"),
    "/playbook run failover/rds-multi-az service=chekout": ("chekout", "checkout"),
    "/playbook run failover/rds-multi-az servce=checkout": ("servce", "service"),
    "/playbook plan": ("/playbook plan",),
    "/playbook aprove INC-1/2": ("aprove", "approve"),
    "/playbook approve INC-9/9": ("INC-9/9",),
    "/playbook show failover/rds": ("failover/rds", "failover/rds-multi-az"),
}
# In the channel of INC-1.
INSIDE = {
    "/incident detected 25:99": ("25:99", "14:05"),
    "/incident restored yesterday-ish": ("yesterday-ish",),
    "/incident role comander <@U0BEN>": ("comander", "commander"),
    "/incident role commander @nobody-here": ("nobody-here",),
    "/incident role commander <@U0GUS>": ("guest",),
    "/incident role commander": ("/incident role",),
    "/incident sev sev9 worse": ("sev9", "sev1"),
    "/playbook retry": ("no run", "/playbook"),
    "/playbook approve": ("no run", "waits for approval"),
    "/playbook answer INC-1/77 happened": ("INC-1/77",),
    "/playbook abort INC-1/1": ("INC-1/1",),
}


async def answered(town: Any, channel: str, line: str) -> str:
    """What Ana alone is told, or the form that opens for her."""
    before = {m.ts for m in await town.sb.messages(channel, "U0ANA")}
    await town.sb.type("U0ANA", channel, line)

    async def look() -> str:
        for view in await town.sb.views("U0ANA"):
            await town.sb.close_view("U0ANA", view.id)
            return f"(form) {line} {view.plain}"
        rows = await town.sb.messages(channel, "U0ANA")
        return "\n".join(m.plain for m in rows if m.ts not in before and m.ephemeral_for)

    return str(await town.sb.wait_until(look))


def lacking(line: str, said: str, wanted: tuple[str, ...]) -> str:
    """What is missing in an answer; "" when nothing is."""
    missing = [word for word in wanted if word.lower() not in said.lower()]
    wrong = [word for word in ("went wrong", "traceback", "validation error", "pydantic") if word in said.lower()]
    return f"{line!r} lacks {missing}{wrong}: {said}" if missing or wrong else ""


@SQLITE
async def test_any_title_gives_a_legal_channel_and_mentions_nobody(town: Any, muster: Any) -> None:
    acks = await town.sb.type_many([("U0ANA", "#general", f"/incident declare sev3 {title}") for title in TITLES])
    assert all(ack.acked for ack in acks)

    async def made() -> list[dict[str, Any]] | None:
        found = [c for c in await town.sb.channels() if c["name"].startswith("inc-")]
        return found if len(found) == len(TITLES) else None

    channels = await town.sb.wait_until(made, timeout=60)
    names = [c["name"] for c in channels]
    assert len(set(names)) == len(TITLES)
    assert all(LEGAL.match(name) for name in names), names
    for name in names:
        await town.sb.wait_for(name, lambda m: m.button("Resolve") is not None, timeout=30)

    async def announced() -> bool:
        return len([m for m in await town.sb.messages("#incidents") if "INC-" in m.plain]) == len(TITLES)

    await town.sb.wait_until(announced, timeout=30)
    lines = "\n".join(m.plain for m in await town.sb.messages("#incidents"))
    shown: list[Message] = []
    for channel in ("#incidents", "#general", *names):
        shown += await town.sb.messages(channel, "*")
    for message in shown:
        assert not EXPANDED.search(message.text + str(message.blocks)), message.text
        assert "<https://evil" not in message.text + str(message.blocks), "a typed link is no link of ours"
    for part in ("結帳失敗", "Оплата", "🔥🔥🔥", "DROP TABLE"):
        assert part in lines, "a title is shown as it was typed"
    assert "54439" not in lines, "no template is evaluated"


@SQLITE
async def test_wrong_words_get_the_nearest_right_one_and_an_example(town: Any, muster: Any) -> None:
    wrong = [lacking(line, await answered(town, "#general", line), wanted) for line, wanted in OUTSIDE.items()]
    channel = await town.declared("sev3 a small thing")
    wrong += [lacking(line, await answered(town, channel, line), wanted) for line, wanted in INSIDE.items()]
    assert not [one for one in wrong if one], "\n\n".join(one for one in wrong if one)
    assert len([c for c in await town.sb.channels() if c["name"].startswith("inc-")]) == 1, "nothing else was declared"


@SQLITE
async def test_spaces_and_quotes_of_telephones(town: Any, muster: Any) -> None:
    await town.sb.type(
        "U0ANA", "#general", "/incident declare\u00a0sev1\u00a0“checkout\u202fis down”  service=checkout"
    )
    found = await town.sb.find_channel("inc-1")
    assert found["name"] == "inc-1-checkout-is-down"
    await town.sb.wait_for("#incidents", lambda m: "Checkout" in m.plain and "INC-1" in m.plain)
    channel = f"#{found['name']}"
    await town.sb.wait_for(channel, lambda m: m.button("Resolve") is not None)
    await town.says("U0ANA", channel, "/incident note\u00a0“pool is exhausted”", "Noted")
    (note,) = await town.events("INC-1", "incident.note")
    assert note.text("text") == "pool is exhausted"
    await town.says("U0ANA", channel, "/playbook plan failover/rds-multi-az service=“checkout”", "reboot orders-db")


@SQLITE
async def test_very_long_text_is_kept_and_shown_cut(town: Any, muster: Any) -> None:
    channel = await town.declared(f"sev2 start {'long ' * 700}end service=checkout")
    name = channel.removeprefix("#")
    assert LEGAL.match(name)
    await town.says("U0ANA", channel, f"/incident note {'x' * 3900}", "Noted")
    (note,) = await town.events("INC-1", "incident.note")
    assert note.text("text") == "x" * 3900
    first = await town.says("U0ANA", channel, "/incident timeline", "events")
    await town.presses("U0ANA", channel, "More", first, "xxx")
    for message in await town.sb.messages(channel, "*"):
        assert len(message.text) <= 4000


@SQLITE
async def test_the_word_payload_over_signed_http(town: Any, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bolt's form parser loses a command whose text contains "payload" (contract B3): ours does not."""
    env = town.sandbox.env(socket_mode=False)
    monkeypatch.delenv("SLACK_APP_TOKEN", raising=False)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    settings = Settings.of(env, database_url=url, muster_config=EXAMPLE, muster_port=0, muster_replica="http")
    app = build(settings)
    await app.start()
    town.apps.append(app)
    await town.sb.deliver_to("http", url=f"{app.url}/slack/events")
    for number, title in enumerate(("payload is broken", "payload={} & payload=[1]", "a&payload=%7B%22a%22%3A1%7D"), 1):
        ack = await town.sb.type("U0ANA", "#general", f"/incident declare sev3 {title}")
        assert ack.acked
        await town.sb.find_channel(f"inc-{number}-")
    lines = "\n".join(m.plain for m in await town.sb.messages("#incidents"))
    assert "payload is broken" in lines
