"""Actions for victims: one of each kind, whose outside world is a small web server of the test (outside.py)."""

from __future__ import annotations

from typing import Any

import aiohttp

from playbooks.action import Act, Action, Again, Answer, Found, Outputs, Park, Plan, Question, Risk, Seen, World, action
from playbooks.errors import NotYet, Refused, Temporary, Uncertain

POLICY = """
severities: {sev1: {title: outage}}
groups: {sre: {people: [ben, chi, dov]}}
people: {ben: {slack: UBEN}, chi: {slack: UCHI}, dov: {slack: UDOV}}
sites: {primary: {title: Primary, kind: production}}
services:
  shop: {title: Shop, tier: 1, rto: 15m, rpo: 5m, site: primary}
approvals: {people: 2, from: [sre], page_missing: false}
"""


class Eyes:
    """The reading half of the outside."""

    vendor = "outside"
    acting = False

    def __init__(self, base: str) -> None:
        self.base = base
        self._http: aiohttp.ClientSession | None = None

    async def _call(self, method: str, path: str, **query: str) -> Any:
        if self._http is None:
            self._http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20))
        async with self._http.request(method, f"{self.base}/{path}", params=query) as answer:
            if answer.status == 503:
                raise Temporary("the outside is busy", retry_after=0.05)
            if answer.status == 409:
                raise Refused("the outside says no")
            return await answer.json()

    async def see(self, what: str, tag: str, key: str = "") -> Any:
        """Look. A lost connection says nothing."""
        try:
            return await self._call("GET", what, tag=tag, key=key)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Temporary(f"no answer: {type(error).__name__}", retry_after=0.1) from None


class Hands(Eyes):
    """The acting half."""

    acting = True

    async def do(self, kind: str, tag: str, key: str) -> None:
        """Make an effect. A lost connection may have carried it."""
        try:
            await self._call("POST", "do", kind=kind, tag=tag, key=key)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Uncertain(f"no answer: {type(error).__name__}") from None


class Made(Outputs):
    """What was made. name: what later steps read."""

    name: str


class _Toy(Action):
    tag: str
    why_no_undo = "Only a test."
    timeout_s = 20.0

    async def plan(self, world: World) -> Plan:
        await world.use(Eyes).see("plan", self.tag)
        return Plan(targets=(f"thing:{self.tag}",), effect=f"Change {self.tag}")

    async def run(self, act: Act) -> Outputs | Park:
        await act.use(Hands).do(type(self).name.partition(".")[2], self.tag, act.key)
        return Made(name=f"made-{self.tag}")

    async def reconcile(self, world: World) -> Found:
        seen = await world.use(Eyes).see("reconcile", self.tag, world.key)
        happened = seen["happened"]
        if happened is None:
            raise NotYet("the outside is silent", again_in=0.1)
        return Found(happened, f"looked: {happened}", Made(name=f"made-{self.tag}") if happened else None)


@action("crash.read", risk=Risk.READ, again=Again.SAFE, result=Made)
class Read(Action):
    """Look once."""

    tag: str

    async def look(self, world: World) -> Outputs:
        await world.use(Eyes).see("look", self.tag)
        return Made(name=f"made-{self.tag}")


@action("crash.probe", risk=Risk.READ, again=Again.SAFE, result=Made)
class Probe(Action):
    """Look until it is there: not at the first look."""

    tag: str

    async def look(self, world: World) -> Outputs:
        seen = await world.use(Eyes).see("look", self.tag)
        if seen["looks"] < 2:
            raise NotYet("not there", again_in=0.05)
        return Made(name=f"made-{self.tag}")


@action("crash.open", risk=Risk.WRITE, again=Again.KEYED, result=Made, facts={"channel": "name"})
class Open(_Toy):
    """A keyed write whose result is a fact of the incident."""


@action("crash.keyed", risk=Risk.WRITE, again=Again.KEYED, result=Made)
class Keyed(_Toy):
    """A keyed write."""


@action("crash.never", risk=Risk.WRITE, again=Again.NEVER, result=Made)
class Never(_Toy):
    """A write that must not be made twice."""


@action("crash.ask", risk=Risk.WRITE, again=Again.KEYED, result=Made)
class Ask(_Toy):
    """A question, as human.confirm asks it."""

    async def run(self, act: Act) -> Outputs | Park:
        return Park(question=Question("All well?", due_in_s=600))

    async def resume(self, act: Act, answer: Answer | None) -> Outputs | Park:
        assert answer is not None
        return Made(name=answer.choice)


@action("crash.wait", risk=Risk.WRITE, again=Again.KEYED, result=Made)
class Wait(_Toy):
    """A step that waits for a time before its effect."""

    async def run(self, act: Act) -> Outputs | Park:
        return Park(wake_in_s=0.05)

    async def resume(self, act: Act, answer: Answer | None) -> Outputs | Park:
        return await super().run(act)


@action("crash.destroy", risk=Risk.RECOVERABLE, again=Again.NEVER, result=Made)
class Destroy(_Toy):
    """Destroy something, then look several times whether it took."""

    async def verify(self, world: World, done: Any) -> Seen:
        seen = await world.use(Eyes).see("verify", self.tag)
        return Seen(True, "seen") if seen["looks"] >= 2 else Seen(None, "not seen yet", again_in=seen["apart_s"])


@action("crash.cut", risk=Risk.RECOVERABLE, again=Again.NEVER, result=Made)
class Cut(Destroy):
    """Cut something, which can be taken back."""

    async def undo(self, act: Act, done: Made) -> Outputs:
        await act.use(Hands).do("undo", f"undo-{self.tag}", act.key)
        return done

    async def reconcile_undo(self, world: World, done: Made) -> Found:
        seen = await world.use(Eyes).see("reconcile", f"undo-{self.tag}", world.key)
        return Found(seen["happened"], f"looked: {seen['happened']}", done if seen["happened"] else None)
