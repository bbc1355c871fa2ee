"""The stand-in for Jira's REST API 2, as Cloud answers: issues of one project, found by label, linked.

Belongs here: everything of Jira. Posting twice makes two issues, as there; its search can be made to lag behind.
"""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING, Any

from aiohttp import web

from bot.sandbox.faults import Fault
from bot.sandbox.wire import Call

if TYPE_CHECKING:
    from bot.sandbox.server import Sandbox

TOKEN, PROJECT = "muster@example.com:sandbox-jira-token", "OPS"
KINDS = ("Task", "Bug", "Incident")
LINKS = ("Relates", "Blocks")
STATUSES = {"To Do": "new", "In Progress": "indeterminate", "Done": "done", "Won't Do": "done"}  # and their categories


class Refusal(Exception):
    def __init__(self, status: int, *messages: str, **errors: str) -> None:
        super().__init__("; ".join(messages) or str(errors))
        self.status, self.said = status, {"errorMessages": list(messages), "errors": errors}


class Jira:
    """``issues`` by key, oldest first. lag_s: until the search finds a new one. cloud: whether it has /search/jql.

    dated: whether the project's screen has a due date.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.issues: dict[str, dict[str, Any]] = {}
        self.lag_s = 0.0
        self.cloud = True
        self.dated = True

    def move(self, key: str, status: str) -> None:
        """As somebody who drags it to another column; "" deletes it."""
        if status:
            self.issues[key]["fields"]["status"] = status_of(status)
        else:
            self.issues[key]["deleted"] = True

    def routes(self, base: str) -> list[web.RouteDef]:
        api = f"{base}/rest/api/2"
        table = [
            ("GET", "/myself", "me"), ("GET", "/project/{project}", "project"), ("POST", "/issue", "create"),
            ("GET", "/issue/{key}", "get"), ("POST", "/search/jql", "search_jql"), ("POST", "/search", "search"),
            ("POST", "/issue/{key}/remotelink", "remote"), ("POST", "/issueLink", "link"),
        ]  # fmt: skip
        return [web.route(verb, api + path, self._handler(f"{verb} {path}", name)) for verb, path, name in table]

    def _handler(self, method: str, name: str) -> Any:
        async def handle(request: web.Request) -> web.StreamResponse:
            raw = await request.read()
            body = json.loads(raw) if raw else {}

            async def answer(call: Call) -> web.StreamResponse:
                jira = self.sandbox.jira  # looked up at each call: a reset replaces it
                try:
                    jira._admit(request)
                    status, said = getattr(jira, name)(request, body)
                except Refusal as no:
                    call.error = str(no)
                    return web.json_response(no.said, status=no.status)
                return web.json_response(said, status=status) if said is not None else web.Response(status=status)

            shown = {"path": dict(request.match_info), "body": body}
            return await self.sandbox.wire.carry(request, "jira", method, shown, answer, refuse=_refuse)

        return handle

    def _admit(self, request: web.Request) -> None:
        import base64

        wanted = "Basic " + base64.b64encode(TOKEN.encode()).decode()
        if request.headers.get("Authorization") != wanted:
            raise Refusal(401, "Client must be authenticated to access this resource.")

    def _one(self, key: str) -> dict[str, Any]:
        if key not in self.issues or self.issues[key].get("deleted"):
            raise Refusal(404, "Issue does not exist or you do not have permission to see it.")
        return self.issues[key]

    def me(self, request: web.Request, body: Any) -> tuple[int, Any]:
        return 200, {"displayName": "Muster"}

    def project(self, request: web.Request, body: Any) -> tuple[int, Any]:
        if request.match_info["project"] != PROJECT:
            raise Refusal(404, f"No project could be found with key '{request.match_info['project']}'.")
        return 200, {"key": PROJECT, "name": "Operations"}

    def create(self, request: web.Request, body: Any) -> tuple[int, Any]:
        fields = body.get("fields") or {}
        wrong: dict[str, str] = {}
        if (fields.get("project") or {}).get("key") != PROJECT:
            wrong["project"] = "valid project is required"
        if (fields.get("issuetype") or {}).get("name") not in KINDS:
            wrong["issuetype"] = "The issue type selected is invalid."
        if not str(fields.get("summary") or "").strip() or "\n" in fields["summary"]:
            wrong["summary"] = "You must specify a summary of the issue, on one line."
        if any(" " in label for label in fields.get("labels") or ()):
            wrong["labels"] = "The label contains spaces which is invalid."
        if "duedate" in fields and not self.dated:
            wrong["duedate"] = "Field 'duedate' cannot be set. It is not on the appropriate screen, or unknown."
        if wrong:
            raise Refusal(400, **wrong)
        key = f"{PROJECT}-{len(self.issues) + 1}"
        self.issues[key] = {
            "id": str(10000 + len(self.issues)), "key": key, "made_at": time.time(), "remote": {},
            "fields": {**fields, "status": status_of("To Do"), "issuelinks": []},
        }  # fmt: skip
        return 201, {"id": self.issues[key]["id"], "key": key}

    def get(self, request: web.Request, body: Any) -> tuple[int, Any]:
        return 200, self._one(request.match_info["key"])

    def search_jql(self, request: web.Request, body: Any) -> tuple[int, Any]:
        if not self.cloud:
            raise Refusal(404, "null for uri: /rest/api/2/search/jql")
        return self._search(body)

    def search(self, request: web.Request, body: Any) -> tuple[int, Any]:
        if self.cloud:  # removed there in 2025
            raise Refusal(410, "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API.")
        return self._search(body)

    def _search(self, body: Any) -> tuple[int, Any]:
        match = re.fullmatch(r'project = "(\w+)" AND labels in \((.+)\) ORDER BY created DESC', body.get("jql", ""))
        if match is None:
            raise Refusal(400, "Error in the JQL Query: only what Muster asks is understood here.")
        wanted = set(re.findall(r'"([^"]+)"', match[2]))
        found = [
            one for one in reversed(self.issues.values())
            if not one.get("deleted") and wanted & set(one["fields"].get("labels") or ())
            and time.time() - one["made_at"] >= self.lag_s
        ]  # fmt: skip
        return 200, {"issues": found[: int(body.get("maxResults", 50))]}

    def remote(self, request: web.Request, body: Any) -> tuple[int, Any]:
        issue = self._one(request.match_info["key"])
        there = body["globalId"] in issue["remote"]
        issue["remote"][body["globalId"]] = body["object"]
        return (200 if there else 201), {"id": len(issue["remote"])}

    def link(self, request: web.Request, body: Any) -> tuple[int, Any]:
        kind = body["type"]["name"]
        if kind not in LINKS:
            raise Refusal(404, f"No issue link type with name '{kind}' found.")
        one, other = self._one(body["inwardIssue"]["key"]), self._one(body["outwardIssue"]["key"])
        for here, side, there in ((one, "outwardIssue", other), (other, "inwardIssue", one)):
            row = {"type": {"name": kind}, side: {"key": there["key"]}}
            if row not in here["fields"]["issuelinks"]:
                here["fields"]["issuelinks"].append(row)
        return 201, None


def status_of(name: str) -> dict[str, Any]:
    """A status as the REST API shows it."""
    return {"name": name, "statusCategory": {"key": STATUSES[name]}}


def _refuse(fault: Fault) -> web.StreamResponse:
    status = int(fault.mode) if fault.mode.isdigit() else 400
    return web.json_response({"errorMessages": [fault.mode.removeprefix("error:")], "errors": {}}, status=status)
