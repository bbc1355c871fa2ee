"""One call to Slack's Web API: time-outs that stop, no repeats, and every way it can end sorted by what it means.

Belongs here: the transport both Slack classes share (contract A7). Does not belong here: which methods exist
(`slack.py`), or the words for error codes (`slack_words.py`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from urllib.request import getproxies, proxy_bypass

import aiohttp
from slack_sdk.errors import SlackApiError, SlackRequestError
from slack_sdk.web.async_client import AsyncWebClient

from playbooks.connectors.answers import CONNECT_S, READ_S, is_loopback, no_answer, retry_after, too_many, unreachable
from playbooks.connectors.pace import Gate
from playbooks.connectors.slack_words import LIMITED, UNSURE, Json, refused
from playbooks.errors import MusterError

SLACK_API = "https://slack.com/api/"
PAGE = 200
MOST_PAGES = 50


def proxy_for(url: str) -> str | None:
    """The proxy the environment names for this address. The SDK would send loopback through it too (contract A7)."""
    if is_loopback(url):
        return None
    scheme, _, rest = url.partition("://")
    host = rest.partition("/")[0]
    return None if proxy_bypass(host) else getproxies().get(scheme)


class SlackCalls:
    """The wire below both classes. Settings: bot token, Web API base with trailing `/api/`, time-outs in seconds."""

    vendor = "Slack"

    def __init__(
        self, token: str, *, base_url: str = SLACK_API, connect_timeout: float = CONNECT_S, read_timeout: float = READ_S
    ) -> None:
        self._token = token
        self._base_url = base_url
        total = connect_timeout + read_timeout + 1
        self._timeout = aiohttp.ClientTimeout(
            total=total, connect=connect_timeout, sock_connect=connect_timeout, sock_read=read_timeout
        )
        self._session: aiohttp.ClientSession | None = None
        self._client: AsyncWebClient | None = None
        self._gate = Gate()

    async def close(self) -> None:
        """Close the connections. Using the object again opens new ones."""
        session, self._session, self._client = self._session, None, None
        if session is not None:
            await session.close()

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            self._session, self._client = aiohttp.ClientSession(timeout=self._timeout), None
        return self._session

    def _web(self) -> AsyncWebClient:
        session = self._open_session()
        if self._client is None:
            # No retry handlers: the default one sends a chat.postMessage again whose reply was lost (contract A7).
            self._client = AsyncWebClient(self._token, base_url=self._base_url, session=session, retry_handlers=[])
            self._client.proxy = proxy_for(self._base_url)
        return self._client

    async def _call(self, method: str, *, write: bool, paced_by: str = "", **arguments: Any) -> Json:
        """Call a Web API method by its wire name once and return the answer's body.

        paced_by: the channel for methods limited per channel, else "". Raises Temporary, Refused or Uncertain.
        """
        key = (method, paced_by)
        self._gate.check(key, self.vendor)
        send = getattr(self._web(), method.replace(".", "_"))
        try:
            response = await send(**arguments)
        except SlackApiError as error:
            raise self._sorted(error, method, key, write) from None
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise unreachable(self.vendor, method, type(error).__name__) from None
        except (TimeoutError, aiohttp.ClientError) as error:
            raise no_answer(self.vendor, method, type(error).__name__, write=write) from None
        except (AttributeError, SlackRequestError):
            # What the SDK makes of a 200 that is not JSON, a proxy's page for instance (contract A7).
            raise no_answer(self.vendor, method, "the answer is not JSON", write=write) from None
        body: Json = response.data
        return {**body, "_headers": {str(k).lower(): str(v) for k, v in response.headers.items()}}

    def _sorted(self, error: SlackApiError, method: str, key: tuple[str, str], write: bool) -> MusterError:
        answer = error.response
        status = int(getattr(answer, "status_code", 0) or getattr(answer, "status", 0) or 0)
        body = getattr(answer, "data", None)
        data: Json = body if isinstance(body, dict) else {}
        code = str(data.get("error") or "")
        if status == 429 or code in LIMITED:
            seconds = retry_after(getattr(answer, "headers", {})) or 1.0
            self._gate.close(key, seconds)
            return too_many(self.vendor, method, 429, seconds)
        if status >= 500 or not code or code in UNSURE:
            return no_answer(self.vendor, method, code or f"status {status}", write=write)
        return refused(method, code, data)

    async def _pages(self, method: str, field: str, **arguments: Any) -> AsyncIterator[Json]:
        """The rows of a paginated read, page after page (always paginated: contract A7)."""
        cursor = ""
        for _ in range(MOST_PAGES):
            body = await self._call(method, write=False, limit=PAGE, cursor=cursor or None, **arguments)
            for row in body.get(field) or ():
                yield row
            cursor = str((body.get("response_metadata") or {}).get("next_cursor") or "")
            if not cursor:
                return

    async def _post(self, url: str, what: str, **body: Any) -> tuple[int, str, float | None]:
        """POST outside the Web API (upload address, response_url): status, text, seconds of Retry-After.

        The session's time-outs hold here too; the SDK's own upload has none.
        """
        try:
            async with self._open_session().post(url, proxy=proxy_for(url), **body) as response:
                return response.status, (await response.text())[:500], retry_after(response.headers)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise unreachable(self.vendor, what, type(error).__name__) from None
        except (TimeoutError, aiohttp.ClientError) as error:
            raise no_answer(self.vendor, what, type(error).__name__, write=True) from None
