"""Jira: reading (`JiraReads`) and acting (`Jira`), REST API 2 over httpx, Cloud and Data Center.

Belongs here: the calls, their shapes, and the label by which an issue of ours is found again, since Jira has no
idempotency key. All methods raise Temporary, Refused or Uncertain of `playbooks.errors`.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from playbooks.connectors.answers import (
    CONNECT_S,
    READ_S,
    ServiceRefused,
    is_loopback,
    no_answer,
    retry_after,
    short,
    too_many,
)
from playbooks.connectors.http import sent, trusted

Json = Mapping[str, Any]
NEXT_STEP = {
    401: "Check JIRA_TOKEN (Cloud: e-mail:token, Data Center: a personal access token).",
    403: "The token's user may not do this in the project.",
    404: "Check JIRA_URL, JIRA_PROJECT and the issue's key.",
}


@dataclass(frozen=True)
class Issue:
    """An issue. key: "OPS-12"; url: where people see it. links: (type, key) of issues it is linked to.

    done: whether its status is of the category done, whatever the project calls it.
    """

    key: str
    url: str
    summary: str = ""
    status: str = ""
    labels: tuple[str, ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    done: bool = False


def label_of(marker: str) -> str:
    """The label of one marker: Jira's labels hold no spaces, and this one says nothing."""
    return f"muster-{hashlib.sha256(marker.encode()).hexdigest()[:20]}"


class JiraReads:
    """What can be asked. token: "e-mail:token" is sent as Basic (Cloud), any other as Bearer. project: its key."""

    vendor = "Jira"
    acting = False

    def __init__(
        self, url: str, token: str, project: str, *, connect_timeout: float = CONNECT_S, read_timeout: float = READ_S
    ) -> None:
        self._url = url.rstrip("/")
        self.project = project
        basic = base64.b64encode(token.encode()).decode()
        self._deadline_s = connect_timeout + read_timeout
        self._client = httpx.AsyncClient(
            base_url=f"{self._url}/rest/api/2",
            headers={"Authorization": f"Basic {basic}" if ":" in token else f"Bearer {token}"},
            timeout=httpx.Timeout(read_timeout, connect=connect_timeout),
            trust_env=not is_loopback(url),
            verify=trusted(),
        )
        self._search = "/search/jql"  # Cloud; Data Center has only /search, found out at the first 404

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def find(self, *markers: str) -> Issue | None:
        """The newest issue of the project with one of these markers' labels. Jira's index may be seconds behind."""
        labels = ", ".join(f'"{label_of(one)}"' for one in markers)
        asked = {
            "jql": f'project = "{self.project}" AND labels in ({labels}) ORDER BY created DESC',
            "maxResults": 1, "fields": ["summary", "status", "labels", "issuelinks"],
        }  # fmt: skip
        try:
            said = await self._ask("POST", self._search, asked, write=False)
        except ServiceRefused as no:
            if no.code not in ("404", "405", "410") or self._search == "/search":
                raise
            self._search = "/search"
            said = await self._ask("POST", self._search, asked, write=False)
        return next((self._issue(raw) for raw in said.get("issues") or ()), None)

    async def issue(self, key: str) -> Issue:
        """One issue. Refused 404 when there is none."""
        fields = "summary,status,labels,issuelinks"
        return self._issue(await self._ask("GET", f"/issue/{key}?fields={fields}", None, write=False))

    async def reach(self) -> str:
        """Who we are there, and that the project is there; the doctor's look."""
        me = await self._ask("GET", "/myself", None, write=False)
        project = await self._ask("GET", f"/project/{self.project}", None, write=False)
        return f"signed in as {me.get('displayName') or me.get('name')}, project {project.get('name')} ({self.project})"

    def _issue(self, raw: Json) -> Issue:
        fields = raw.get("fields") or {}
        links = []
        for link in fields.get("issuelinks") or ():
            other = link.get("outwardIssue") or link.get("inwardIssue") or {}
            links.append((str((link.get("type") or {}).get("name") or ""), str(other.get("key") or "")))
        status = fields.get("status") or {}
        return Issue(
            key=str(raw["key"]), url=f"{self._url}/browse/{raw['key']}", summary=str(fields.get("summary") or ""),
            status=str(status.get("name") or ""), labels=tuple(fields.get("labels") or ()), links=tuple(links),
            done=(status.get("statusCategory") or {}).get("key") == "done",
        )  # fmt: skip

    async def _ask(self, verb: str, path: str, body: Json | None, *, write: bool) -> Any:
        """One request, sorted by what its answer means."""
        call = f"{verb} {path.partition('?')[0]}"
        request = self._client.request(verb, path, json=body)
        answer = await sent(self.vendor, call, request, write=write, deadline_s=self._deadline_s)
        status = answer.status_code
        if status == 429:
            raise too_many(self.vendor, call, status, retry_after(answer.headers))
        if status >= 500:
            raise no_answer(self.vendor, call, f"status {status}", write=write)
        if status >= 300:
            words = f"Jira refused {call}: {status} {_words(answer)}".strip()
            raise ServiceRefused(self.vendor, str(status), words, todo=NEXT_STEP.get(status, ""))
        if not answer.content:
            return {}
        try:
            return answer.json()
        except ValueError:
            raise no_answer(self.vendor, call, "the answer is not JSON", write=write) from None


def _words(answer: httpx.Response) -> str:
    """Jira's own explanation: `errorMessages` and `errors` by field."""
    try:
        said = answer.json()
        listed = [*(said.get("errorMessages") or ()), *(f"{k}: {v}" for k, v in (said.get("errors") or {}).items())]
    except (ValueError, AttributeError):
        return short(answer.text)
    return short("; ".join(map(str, listed)))


class Jira(JiraReads):
    """What can be done in one project."""

    acting = True

    async def create(
        self, summary: str, description: str, *, kind: str, markers: Sequence[str], labels: Sequence[str] = (),
        due: str = "",
    ) -> Issue:  # fmt: skip
        """Create an issue, labelled with the markers. Not repeatable: look with `find` before doing it again.

        due: YYYY-MM-DD, left out where the project's screen does not have it (its refusal made nothing).
        """
        fields: dict[str, Any] = {
            "project": {"key": self.project}, "issuetype": {"name": kind}, "summary": summary,
            "description": description, "labels": [*labels, *map(label_of, markers)],
        }  # fmt: skip
        dated = {**fields, **({"duedate": due} if due else {})}
        try:
            made = await self._ask("POST", "/issue", {"fields": dated}, write=True)
        except ServiceRefused as no:
            if not due or no.code != "400" or "duedate" not in no.message:
                raise
            made = await self._ask("POST", "/issue", {"fields": fields}, write=True)
        return Issue(key=str(made["key"]), url=f"{self._url}/browse/{made['key']}", summary=summary)

    async def link_address(self, key: str, address: str, title: str) -> None:
        """Show an address on an issue. Doing it twice is doing it once: Jira knows it by its global id."""
        body = {"globalId": f"muster={address}", "application": {"name": "Muster"},
                "object": {"url": address, "title": title}}  # fmt: skip
        await self._ask("POST", f"/issue/{key}/remotelink", body, write=True)

    async def link_issue(self, key: str, other: str, kind: str) -> None:
        """Link two issues: `key` has the outward end. Look at the issue's links before doing it again."""
        body = {"type": {"name": kind}, "inwardIssue": {"key": key}, "outwardIssue": {"key": other}}
        await self._ask("POST", "/issueLink", body, write=True)
