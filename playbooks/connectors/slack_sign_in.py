"""Sign in with Slack (OpenID Connect): where to send the browser, and who came back.

Belongs here: Slack's discovery document, the exchange of a code, and the checks of the `id_token`: signature by Slack's
published keys, issuer, audience, times, nonce. Does not belong here: cookies, state, sessions (bot/web), or whether the
account may see anything (playbooks/directory.py). Raises Temporary or Refused; nothing here changes anything outside.
"""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from playbooks.connectors.answers import CONNECT_S, READ_S, is_loopback, no_answer, unreachable
from playbooks.errors import Refused

Json = Mapping[str, Any]
SCOPE = "openid profile"
ALGORITHMS = ["RS256"]  # what Slack's discovery names; never "none", never a shared secret
LEEWAY_S = 60
FRESH_S = 600.0  # how long discovery and keys are believed
ABOUT = "https://slack.com/"  # prefix of Slack's own claims


@dataclass(frozen=True)
class SignedIn:
    """Who Slack says it is. account: "T1/U1", or "E1/U1" inside an Enterprise organisation, as in its requests."""

    account: str
    name: str


class SlackSignIn:
    """Slack as an identity provider. base_url: of the Web API, whose origin publishes the discovery document."""

    def __init__(self, client_id: str, client_secret: str, *, base_url: str, read_timeout: float = READ_S) -> None:
        self._id = client_id
        self._secret = client_secret
        self._origin = base_url.rstrip("/").removesuffix("/api")
        self._timeout = httpx.Timeout(read_timeout, connect=CONNECT_S)
        self._known: tuple[float, Json, KeySet] | None = None

    async def address(self, *, back: str, state: str, nonce: str, verifier: str) -> str:
        """Where the browser goes. back: our own address it returns to; verifier: for PKCE, where Slack offers it."""
        found, _ = await self._provider()
        asked = {
            "response_type": "code", "client_id": self._id, "scope": SCOPE, "redirect_uri": back, "state": state,
            "nonce": nonce,
        }  # fmt: skip
        if _pkce(found):
            asked |= {"code_challenge": challenge_of(verifier), "code_challenge_method": "S256"}
        return f"{found['authorization_endpoint']}?{urlencode(asked)}"

    async def who(self, code: str, *, back: str, nonce: str, verifier: str) -> SignedIn:
        """Exchange the code the browser brought, and check what Slack says. Raises Refused for anything that is off."""
        found, keys = await self._provider()
        given = {
            "grant_type": "authorization_code", "client_id": self._id, "client_secret": self._secret, "code": code,
            "redirect_uri": back,
        }  # fmt: skip
        if _pkce(found):
            given["code_verifier"] = verifier
        answer = await self._call("POST", str(found["token_endpoint"]), data=given)
        if answer.get("ok") is False or not answer.get("id_token"):
            raise Refused(f"Slack did not sign you in ({answer.get('error') or 'no id_token'}).", todo="Sign in again.")
        return _read(self._checked(str(answer["id_token"]), found, keys, nonce))

    def _checked(self, token: str, found: Json, keys: KeySet, nonce: str) -> Json:
        rules = jwt.JWTClaimsRegistry(
            leeway=LEEWAY_S,
            iss={"essential": True, "value": str(found["issuer"])},
            aud={"essential": True, "value": self._id},
            nonce={"essential": True, "value": nonce},
            exp={"essential": True}, iat={"essential": True}, sub={"essential": True},
        )  # fmt: skip
        try:
            claims: Json = jwt.decode(token, keys, algorithms=ALGORITHMS).claims
            rules.validate(dict(claims))
        except (JoseError, ValueError) as error:
            self._known = None  # Slack may have changed its keys: look again next time
            raise Refused(
                f"What Slack sent does not prove who you are ({type(error).__name__}); you are not signed in.",
                todo="Sign in again; if it stays so, tell whoever runs Muster.",
            ) from None
        if isinstance(claims["aud"], list) and len(claims["aud"]) > 1:
            raise Refused("What Slack sent is meant for several applications; you are not signed in.")
        return claims

    async def _provider(self) -> tuple[Json, KeySet]:
        if self._known is not None and time.monotonic() - self._known[0] < FRESH_S:
            return self._known[1], self._known[2]
        found = await self._call("GET", f"{self._origin}/.well-known/openid-configuration")
        try:
            keys = KeySet.import_key_set(dict(await self._call("GET", str(found["jwks_uri"]))))  # type: ignore[arg-type]
            _ = found["authorization_endpoint"], found["token_endpoint"], found["issuer"]
        except (JoseError, KeyError, ValueError) as error:
            raise Refused(f"Slack's sign-in is not described as expected ({type(error).__name__}).") from None
        self._known = (time.monotonic(), found, keys)
        return found, keys

    async def _call(self, method: str, url: str, data: Json | None = None) -> Json:
        try:
            async with httpx.AsyncClient(timeout=self._timeout, trust_env=not is_loopback(url)) as http:
                answer = await http.request(method, url, data=dict(data) if data else None)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise unreachable("Slack", "sign-in", type(error).__name__) from None
        except httpx.HTTPError as error:
            raise no_answer("Slack", "sign-in", type(error).__name__, write=False) from None
        try:
            body = answer.json()
        except ValueError:
            body = None
        if answer.status_code >= 400 or not isinstance(body, dict):
            raise no_answer("Slack", "sign-in", f"HTTP {answer.status_code}", write=False)
        return body


def challenge_of(verifier: str) -> str:
    """The S256 challenge of a PKCE verifier."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _pkce(found: Json) -> bool:
    return "S256" in (found.get("code_challenge_methods_supported") or ())


def _read(claims: Json) -> SignedIn:
    user = str(claims.get(f"{ABOUT}user_id") or claims["sub"])
    team = str(claims.get(f"{ABOUT}enterprise_id") or claims.get(f"{ABOUT}team_id") or "")
    if not team or "/" in user + team:
        raise Refused("Slack does not say which workspace you belong to; you are not signed in.")
    return SignedIn(f"{team}/{user}", str(claims.get("name") or ""))
