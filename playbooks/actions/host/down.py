"""`host.down`: does nothing answer at a host any more?"""

from __future__ import annotations

from pydantic import Field

from playbooks.action import Action, Again, Outputs, Risk, World, action
from playbooks.connectors.hosts import HostReads
from playbooks.connectors.http import HttpReads
from playbooks.errors import Refused, Temporary

GATEWAYS = (502, 503, 504)  # said by what stands in front of a host that does not answer


class Down(Outputs):
    """What did not answer, and how."""

    host: str = Field(description="The host")
    ssh: str = Field(description="What became of signing in, or of reaching its AWS agent")
    http: str = Field(description="What became of its address, empty where none was asked")


@action("host.down", risk=Risk.READ, again=Again.SAFE, needs=("host:look",), result=Down)
class HostDown(Action):
    """See that a host does not answer

    Example: {uses: host.down, with: {host: production, url: "https://api.example.com/health"}}

    Refuses when it answers by SSH, lets us in or not, or when its address answers anything but 502, 503 or 504. Looks
    from where Muster runs: a network that is cut between the two looks the same, so ask a person elsewhere as well.
    """

    host: str = Field(description="Which: a name from the policy's `hosts`", min_length=1)
    url: str | None = Field(default=None, description="An address it serves; none: only its SSH (or agent) is tried")

    async def look(self, world: World) -> Down:
        """Try both. Refused when either answers."""
        ssh = await self._ssh(world)
        return Down(host=self.host, ssh=ssh, http=await self._http(world) if self.url else "")

    async def _ssh(self, world: World) -> str:
        try:
            await world.use(HostReads).reach(self.host)
        except Temporary as error:
            return error.message
        way = world.use(HostReads).via(self.host)
        raise self._answers("it can be signed in to by SSH" if way == "ssh" else "its AWS agent takes commands")

    async def _http(self, world: World) -> str:
        assert self.url is not None
        try:
            seen = await world.use(HttpReads).get(self.url)
        except Temporary as error:
            return error.message
        if seen.status not in GATEWAYS:
            raise self._answers(f"{self.url} answers {seen.status}")
        return f"{self.url} answers {seen.status}"

    def _answers(self, how: str) -> Refused:
        return Refused(f"{self.host} is not down: {how}. Nothing was changed.",
                       todo="Recover it where it is; two hosts that serve would part the data.")  # fmt: skip

    def say(self, done: Down) -> str:
        """What did not answer."""
        return f"{done.host} does not answer: {done.ssh}" + (f"; {done.http}" if done.http else "")
