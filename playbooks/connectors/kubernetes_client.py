"""One call to a Kubernetes API server: which cluster, with what time-outs, and what its answer means for the effect.

Belongs here: contexts of KUBECONFIG and the pod's own account, sending, sorting errors (contract E3). The only importer
of the kubernetes SDK, inside functions: it takes a second to load. Does not belong here: what is asked (kubernetes.py).
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

import yaml
from urllib3 import exceptions as broken

from playbooks.action import Where
from playbooks.connectors.answers import (
    CONNECT_S,
    READ_S,
    ServiceRefused,
    is_loopback,
    no_answer,
    retry_after,
    short,
    too_many,
    unreachable,
)
from playbooks.connectors.threads import Threads
from playbooks.errors import MusterError, Refused

VENDOR = "Kubernetes"
READY_S = 60.0  # loading the SDK, and a plugin of the kubeconfig that signs in
IN_CLUSTER = "in-cluster"
OWN_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
HELD_BY_BUDGET = "DisruptionBudget"
UNREADABLE = (yaml.YAMLError, OSError, ValueError, TypeError)  # what else the SDK raises over a file that is wrong
Json = dict[str, Any]


class _Shared:
    """What every bound copy of one connector shares: threads, and one SDK client for each cluster."""

    def __init__(self, kubeconfig: str, workers: int) -> None:
        self.kubeconfig, self.workers = kubeconfig, workers
        self.threads = Threads(VENDOR, workers)
        self.lock = threading.RLock()
        self.clients: dict[str, Any] = {}
        self.contexts: tuple[tuple[str, ...], str] | None = None

    def known(self) -> tuple[tuple[str, ...], str]:
        """The contexts there are, and the one that is meant where none is named. Blocks. Refused without any."""
        from kubernetes.config import ConfigException, list_kube_config_contexts

        contexts_of: Any = list_kube_config_contexts
        with self.lock:
            if self.contexts is None and not self.kubeconfig:
                self.contexts = ((IN_CLUSTER,), IN_CLUSTER)
            if self.contexts is None:
                try:
                    contexts, current = contexts_of(self.kubeconfig)
                except (ConfigException, *UNREADABLE) as error:
                    raise Refused(f"KUBECONFIG cannot be read: {short(str(error))}. Nothing was sent.",
                                  todo="Correct the file it names.") from None  # fmt: skip
                self.contexts = (tuple(one["name"] for one in contexts), current["name"])
            return self.contexts

    def named(self, cluster: str) -> str:
        """The context that is meant. Refused for one that is not in KUBECONFIG."""
        contexts, current = self.known()
        if cluster and cluster not in contexts:
            there = ", ".join(contexts)
            raise Refused(f"There is no cluster {cluster} here; nothing was sent.", todo=f"KUBECONFIG has {there}.")
        return cluster or current

    def client(self, cluster: str) -> Any:
        """The SDK's client of a cluster: it repeats nothing by itself, and its connections are shared by threads."""
        from kubernetes import config
        from kubernetes.client.api_client import ApiClient
        from kubernetes.client.configuration import Configuration

        load: Any = config.load_kube_config
        load_own: Any = config.load_incluster_config
        with self.lock:
            name = self.named(cluster)
            if name not in self.clients:
                made = Configuration()
                try:
                    if self.kubeconfig:
                        load(self.kubeconfig, name, made, persist_config=False)
                    else:
                        load_own(made)
                except (config.ConfigException, *UNREADABLE) as error:
                    words = f"Muster cannot sign in to the cluster {name}: {short(str(error))}. Nothing was sent."
                    raise Refused(words, todo=f"Check the context {name} of KUBECONFIG.") from None
                made.retries = False  # the default sends a GET four times, a second apart each (E3)
                made.connection_pool_maxsize = self.workers
                if is_loopback(made.host):
                    made.proxy = None
                self.clients[name] = ApiClient(made)
            return self.clients[name]

    def close(self) -> None:
        self.threads.close()
        for one in self.clients.values():
            one.close()


class KubernetesClient:
    """Clusters by name: contexts of KUBECONFIG ("" is the current one), or the one Muster's pod runs in.

    Settings: kubeconfig (a path, or several with the system's separator; "" is the pod's own account), time-outs in
    seconds. `bound` gives a copy whose "" is the cluster of the step's site.
    """

    vendor = VENDOR

    def __init__(
        self,
        kubeconfig: str = "",
        *,
        connect_timeout: float = CONNECT_S,
        read_timeout: float = READ_S,
        workers: int = 8,
    ) -> None:
        self._shared = _Shared(kubeconfig, workers)
        self._timeouts = (float(connect_timeout), float(read_timeout))
        self._deadline_s = connect_timeout + read_timeout + 5
        self._cluster, self._step = "", ""

    async def close(self) -> None:
        """Let go of threads and connections, those of bound copies too."""
        self._shared.close()

    def bound(self, where: Where) -> Self:
        """A copy for one step: in its site's cluster; the API server's audit log names the step as the user agent."""
        copy = object.__new__(type(self))
        copy.__dict__.update(self.__dict__)
        copy._cluster = str(where.site.get("cluster") or "")
        copy._step = where.step
        return copy

    async def cluster(self, name: str = "") -> str:
        """The cluster that is meant, by the name of its context. Refused when there is none of that name."""
        return str(await self._ready(lambda: self._shared.named(name or self._cluster)))

    async def clusters(self) -> tuple[str, ...]:
        """Every cluster there is."""
        return tuple((await self._ready(self._shared.known))[0])

    async def own_namespace(self, cluster: str = "") -> str:
        """The namespace Muster itself runs in, "" where it does not run in that cluster."""
        if await self.cluster(cluster) != IN_CLUSTER:
            return ""
        try:
            return OWN_NAMESPACE.read_text(encoding="utf-8").strip()  # noqa: ASYNC240  (a file in memory)
        except OSError:
            return ""

    async def _ready(self, look: Callable[[], Any]) -> Any:
        """Something known here, once the SDK is loaded."""
        try:
            return await self._shared.threads.run(look, deadline_s=READY_S)
        except TimeoutError:
            raise unreachable(VENDOR, "signing in", f"no end after {READY_S:.0f} s") from None

    async def _call(
        self, cluster: str, verb: str, path: str, query: Json | None = None, body: Any = None, *,
        content_type: str = "application/json", quiet: bool = False, text: bool = False,
    ) -> Any:  # fmt: skip
        """One request, its answer as JSON; with `text`, as it is. quiet: the answer's words may hold a secret and are
        not repeated. The SDK's typed calls are not used: they take 100 MB to load, and a pod template that went
        through their models loses what they do not know.
        """
        client = await self._ready(lambda: self._shared.client(cluster or self._cluster))
        name, write = f"{verb} {path.split('/', 4 if path.startswith('/apis') else 3)[-1]}", verb != "GET"
        agent = f"muster/{self._step}" if self._step else "muster"
        headers = {"Accept": "application/json, */*", "Content-Type": content_type}

        def send() -> bytes:
            from kubernetes.client.exceptions import ApiException

            asked = client.param_serialize(
                verb, path, query_params=list((query or {}).items()), header_params=headers, body=body,
                auth_settings=["BearerToken"],
            )  # fmt: skip
            asked[2]["User-Agent"] = "".join(char if char.isascii() and char.isprintable() else "-" for char in agent)
            answer = client.call_api(*asked, _request_timeout=self._timeouts)
            data = answer.read()
            if not 200 <= answer.status <= 299:
                raise ApiException(http_resp=answer)
            return bytes(data)

        try:
            data = await self._shared.threads.run(lambda: _told(name, send, write, quiet), deadline_s=self._deadline_s)
        except TimeoutError:
            raise no_answer(VENDOR, name, "time-out", write=write) from None
        return data.decode("utf-8", "replace") if text else _read(name, data, write)

    async def _all(self, cluster: str, path: str, query: Json | None = None) -> list[Json]:
        """A listing, 500 at a time, at most 10,000."""
        found: list[Json] = []
        asked = {**(query or {}), "limit": 500}
        while True:
            page = await self._call(cluster, "GET", path, asked)
            found += page.get("items") or []
            token = (page.get("metadata") or {}).get("continue")
            if not token or len(found) >= 10_000:
                return found
            asked["continue"] = token


def _read(name: str, data: bytes, write: bool) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        raise no_answer(VENDOR, name, "its answer is cut off", write=write) from None


def _told(name: str, send: Callable[[], Any], write: bool, quiet: bool) -> Any:
    """What the API server answered, its errors in our words."""
    from kubernetes.client.exceptions import ApiException

    try:
        return send()
    except ApiException as error:
        raise _sorted(name, error, write, quiet) from None
    except (broken.NewConnectionError, broken.ConnectTimeoutError, broken.ProxyError) as error:
        raise unreachable(VENDOR, name, type(error).__name__) from None
    except broken.HTTPError as error:
        raise no_answer(VENDOR, name, type(error).__name__, write=write) from None


def _sorted(name: str, error: Any, write: bool, quiet: bool) -> MusterError:
    """An answer with an error code. 5xx to a write says nothing about the effect."""
    status, said = int(error.status or 0), _status(error.body)
    if status == 0:  # TLS: a certificate nobody vouches for is seen before anything is sent
        why = short(str(error.reason or "TLS failed"))
        if any(word in why.upper() for word in ("CERTIFICATE", "WRONG_VERSION", "HANDSHAKE")):
            words = f"{VENDOR} was not asked for {name}: {why}"
            return ServiceRefused(VENDOR, "TLS", words, todo="Check certificate-authority in KUBECONFIG.")
        return no_answer(VENDOR, name, why, write=write)
    details = said.get("details") or {}
    if status == 429 and any(cause.get("reason") == HELD_BY_BUDGET for cause in details.get("causes") or ()):
        why = "; ".join(str(cause.get("message") or "") for cause in details["causes"])
        return ServiceRefused(VENDOR, HELD_BY_BUDGET, f"{VENDOR} refused {name}: {short(why)}", details=details)
    if status == 429:
        return too_many(VENDOR, name, status, retry_after(error.headers or {}))
    reason = str(said.get("reason") or error.reason or status)
    if status >= 500:
        return no_answer(VENDOR, name, f"{status} {reason}", write=write)
    words = "" if quiet else short(str(said.get("message") or ""))
    todo = ""
    if status == 401:
        todo = "Renew the token of this context in KUBECONFIG."
    elif status == 403:
        todo = "Allow it in the role Muster's account is bound to."
    elif status in (409, 422):
        todo = "Look again; something else may have changed it meanwhile."
    return ServiceRefused(VENDOR, reason, f"{VENDOR} refused {name}: {reason}. {words}".strip(), todo=todo,
                          details=details)  # fmt: skip


def _status(body: Any) -> Mapping[str, Any]:
    """The Status object of an error, {} when the answer holds none."""
    try:
        found = json.loads(body or "")
    except (ValueError, TypeError):
        return {}
    return found if isinstance(found, dict) else {}
