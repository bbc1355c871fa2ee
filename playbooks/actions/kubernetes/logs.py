"""`kubernetes.logs`: the last lines of pods' logs, without the secrets in them."""

from __future__ import annotations

from pydantic import Field

from playbooks.action import Action, Again, Outputs, Risk, World, action
from playbooks.actions.clusters import Cluster, Namespace
from playbooks.connectors.answers import ServiceRefused
from playbooks.connectors.kubernetes import KubernetesReads
from playbooks.connectors.kubernetes_shapes import Pod
from playbooks.errors import Refused
from playbooks.host_commands import masked

KEPT = 3400  # characters of all pods together: an engine's text holds 4,000


class LogsRead(Outputs):
    """What pods wrote last."""

    text: str = Field(description="Last lines of each pod, pods in trouble first; secrets masked")
    pods: tuple[str, ...] = Field(description="Pods whose logs these are")
    without: tuple[str, ...] = Field(description="Pods without such a log, and why")
    more: int = Field(description="Matching pods that were not read")


@action(
    "kubernetes.logs",
    risk=Risk.READ,
    again=Again.SAFE,
    needs=("kubernetes:pods.list", "kubernetes:pods.log.get"),
    result=LogsRead,
)
class Logs(Action):
    """Read the last lines of pods' logs

    Example: {uses: kubernetes.logs, with: {namespace: production, selector: app=api, tail: 100}}

    Pods that are not ready come first. What looks like a secret is masked; long logs are cut at their beginning.
    """

    namespace: Namespace
    selector: str = Field(description='Label selector ("app=api")', min_length=1, max_length=500)
    container: str = Field(default="", description="Container; without it, the first one of each pod", max_length=253)
    tail: int = Field(default=100, description="Lines of each pod", ge=1, le=1000)
    previous: bool = Field(default=False, description="Of the container instance before, the one that crashed")
    most: int = Field(default=5, description="Pods to read at most", ge=1, le=20)
    cluster: Cluster = ""

    async def look(self, world: World) -> LogsRead:
        """Read once. Refused when no pod matches."""
        reads = world.use(KubernetesReads)
        pods = await reads.pods(self.namespace, self.selector, cluster=self.cluster)
        if not pods:
            raise Refused(f"No pod in {self.namespace} matches {self.selector}.", todo="Check selector and namespace.")
        pods.sort(key=lambda pod: (pod.ready, -pod.restarts, pod.name))
        texts: dict[str, str] = {}
        without = []
        for pod in pods[: self.most]:
            try:
                texts[pod.name] = await self._read(reads, pod)
            except ServiceRefused as error:
                if error.code not in ("BadRequest", "NotFound"):  # it never ran, has no instance before, or just left
                    raise
                without.append(f"{pod.name} ({pod.state}): {error.message}")
        return LogsRead(text=_joined(texts), pods=tuple(texts), without=tuple(without), more=len(pods[self.most :]))

    async def _read(self, reads: KubernetesReads, pod: Pod) -> str:
        container = self.container or next(iter(pod.containers), "")
        text = await reads.log(pod, container=container, tail=self.tail, previous=self.previous, cluster=self.cluster)
        return masked("".join(char for char in text if char in "\n\t" or char.isprintable())).strip()

    def say(self, done: LogsRead) -> str:
        """Logs of api-x, api-y."""
        return f"Logs of {', '.join(done.pods) or 'no pod'}{f'; none of {len(done.without)}' if done.without else ''}"


def _joined(texts: dict[str, str]) -> str:
    """Each pod's last lines under its name; all get the same room, and what one does not need the others have."""
    room, cut = KEPT, {}
    for done, name in enumerate(sorted(texts, key=lambda name: len(texts[name]))):
        share = room // (len(texts) - done)
        cut[name] = texts[name] if len(texts[name]) <= share else _end(texts[name], share)
        room -= len(cut[name])
    return "\n".join(f"== {name}\n{cut[name]}" for name in texts)


def _end(text: str, size: int) -> str:
    """The last whole lines that fit, or the end of the last one."""
    end = text[len(text) - size :]
    return f"[…] {end.partition(chr(10))[2] or end}"
