"""The doctor: everything that must be right before the first incident, each with what to do when it is not.

Belongs here: looking, from outside in; nothing is changed. Not: repairing, or the process's own health.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from bot import (
    doctor_anchors,
    doctor_databases,
    doctor_journal,
    doctor_keys,
    doctor_kubernetes,
    doctor_objectives,
    doctor_outside,
    doctor_policy,
    doctor_sign_in,
)
from bot.connectors import Connectors, connect
from bot.finding import Finding, ok
from bot.home import HomeDirectory
from bot.manifest import SCOPES
from bot.settings import Settings
from playbooks.engine.library import BUILT_IN, Library, against
from playbooks.errors import MusterError, Refused
from playbooks.policy import Policy, load_policy
from storage import migrate
from storage.db import Database, Unreachable

OPTIONAL_SCOPES = frozenset(
    {"chat:write.public", "app_mentions:read", "im:history", "im:read", "canvases:write", "canvases:read"}
)
WITHIN_S = 15.0


async def examine(settings: Settings) -> list[Finding]:
    """Every finding, in the order one would repair them."""
    findings: list[Finding] = []
    policy = _policy(settings, findings)
    connectors = connect(settings)
    db = Database(settings.database_url)
    try:
        stands = await _database(settings, db, findings)
        findings.append(await asyncio.to_thread(doctor_journal.look, settings.muster_journal))
        if stands:
            findings += await db.read(lambda tx: doctor_keys.look(tx, settings.seal))
        team = await _slack(settings, connectors, findings)
        findings.append(doctor_sign_in.look(settings))
        findings += await asyncio.gather(
            _asked("PagerDuty", connectors.pagerduty_reads, lambda: _pagerduty(settings, connectors)),
            _asked("Statuspage", connectors.statuspage_reads, lambda: _statuspage(connectors)),
            _asked("AWS", connectors.aws_reads, lambda: _aws(connectors, policy)),
            _asked("Kubernetes", connectors.kubernetes_reads, lambda: _kubernetes(connectors, policy)),
        )
        if policy is not None:
            findings += await doctor_databases.look(connectors, policy)
            findings += await doctor_outside.look(settings, connectors, policy)
            library = _library(settings, policy)
            findings += _playbooks(library, policy)
            if stands:
                ruled = policy
                findings += await db.read(lambda tx: doctor_anchors.places(tx, ruled))
            findings.append(doctor_objectives.short(policy, await _objectives(db if stands else None, policy)))
            findings.append(_step_up(settings, policy))
            if stands and team:
                findings += await _quorums(db, connectors, policy, library)
    finally:
        await connectors.close()
        await db.close()
    return findings


def _policy(settings: Settings, findings: list[Finding]) -> Policy | None:
    try:
        policy = load_policy(settings.muster_config)
    except Refused as error:
        findings.append(Finding("Policy", "broken", str(error)))
        return None
    text = f"{settings.muster_config}: {len(policy.severities)} severities, {len(policy.services)} services"
    findings.append(ok("Policy", f"{text}, digest sha256:{policy.digest()[:12]}"))
    return policy


async def _database(settings: Settings, db: Database, findings: list[Finding]) -> bool:
    kind = "SQLite" if db.sqlite else "PostgreSQL"
    try:
        at = await asyncio.to_thread(migrate.current, settings.database_url)
    except (Unreachable, ValueError) as error:
        findings.append(Finding("Database", "broken", f"{kind}: {error} Check DATABASE_URL."))
        return False
    if at != migrate.head():
        state = "warning" if db.sqlite else "broken"
        words = "empty" if at is None else f"at revision {at}, this version needs {migrate.head()}"
        findings.append(Finding("Database", state, f"{kind} is {words}. Run `muster migrate`."))
        return False
    findings.append(ok("Database", f"{kind} at revision {at}"))
    return True


async def objectives(settings: Settings) -> list[doctor_objectives.Shortfall]:
    """Objectives that cannot be met, of the policy's file; with what runs took, where the database can be read."""
    policy = load_policy(settings.muster_config)
    db = Database(settings.database_url)
    try:
        stands = await _database(settings, db, [])
        return await _objectives(db if stands else None, policy)
    finally:
        await db.close()


async def _objectives(db: Database | None, policy: Policy) -> list[doctor_objectives.Shortfall]:
    return doctor_objectives.shortfalls(policy, await db.read(doctor_objectives.past) if db else {})


async def _slack(settings: Settings, connectors: Connectors, findings: list[Finding]) -> str:
    if connectors.slack_reads is None:
        words = "SLACK_BOT_TOKEN is not set. `muster manifest` makes the app; install it and copy its bot token."
        findings.append(Finding("Slack", "broken", words))
        return ""
    try:
        team = await connectors.slack_reads.auth_test()
    except MusterError as error:
        findings.append(Finding("Slack", "broken", f"auth.test: {error}"))
        return ""
    findings.append(ok("Slack", f"bot {team.bot_user_id} in {team.team} ({team.team_id})"))
    lacking = {scope: why for scope, why in SCOPES.items() if scope not in team.scopes}
    for scope, why in lacking.items():
        state = "warning" if scope in OPTIONAL_SCOPES else "broken"
        findings.append(Finding("Slack scope", state, f"{scope} is missing: {why}. Add it and install the app again."))
    if not lacking:
        findings.append(ok("Slack scopes", f"all {len(SCOPES)}"))
    findings.append(_way_in(settings))
    return team.team_id


def _way_in(settings: Settings) -> Finding:
    if settings.slack_app_token is not None:
        return ok("Slack's way in", "Socket Mode (SLACK_APP_TOKEN)")
    if settings.slack_signing_secret is None:
        return Finding("Slack's way in", "broken", "Set SLACK_APP_TOKEN (Socket Mode) or SLACK_SIGNING_SECRET (HTTP).")
    if not settings.muster_url.startswith("https://"):
        return Finding(
            "Slack's way in", "warning", "signed HTTP, but MUSTER_URL is no https address Slack could reach."
        )
    return ok("Slack's way in", f"signed HTTP at {settings.muster_url}/slack/events")


async def _asked(what: str, there: object | None, look: Callable[[], Awaitable[str]]) -> Finding:
    """An optional service: not configured is fine, configured and broken is not."""
    if there is None:
        return Finding(what, "missing", "not configured; its steps are skipped, visibly")
    try:
        async with asyncio.timeout(WITHIN_S):
            return ok(what, await look())
    except MusterError as error:
        return Finding(what, "broken", str(error))
    except TimeoutError:
        return Finding(what, "broken", f"no answer within {WITHIN_S:.0f} s")


async def _pagerduty(settings: Settings, connectors: Connectors) -> str:
    assert connectors.pagerduty_reads is not None
    if settings.pagerduty_api_key is None:
        return "pages go out; without PAGERDUTY_API_KEY nobody knows who is on call, and no page is checked"
    on_call = await connectors.pagerduty_reads.oncalls()
    sends = "" if settings.pagerduty_routing_key else "; pages need PAGERDUTY_ROUTING_KEY or a service's own key"
    back = "" if settings.pagerduty_webhook_secret else "; without PAGERDUTY_WEBHOOK_SECRET acknowledgements stay there"
    return f"REST answers, {len({entry.user.id for entry in on_call})} people on call now{sends}{back}"


async def _statuspage(connectors: Connectors) -> str:
    assert connectors.statuspage_reads is not None
    components = await connectors.statuspage_reads.components()
    return f"answers, {len(components)} components"


async def _aws(connectors: Connectors, policy: Policy | None) -> str:
    """Every database the policy names is looked at in its site's region. At a cold one it is made when it is needed."""
    assert connectors.aws_reads is not None
    seen = []
    for (name, site), (region, cold) in sorted(_instances(policy).items()):
        found = await connectors.aws_reads.at(region).rds_find(name)
        if found is None and not cold:
            raise Refused(f"AWS knows no instance {name} in {region or 'its region'} ({site or 'no site'}).",
                          todo="Correct the policy, or the credentials' account.")  # fmt: skip
        seen.append(f"{name} is {found.status if found else 'not there (cold site)'}")
    return ", ".join(seen) or "configured; the policy names no database to look at"


def _instances(policy: Policy | None) -> dict[tuple[str, str], tuple[str, bool]]:
    """(RDS instance, site) -> (region, whether the site is cold)."""
    found: dict[tuple[str, str], tuple[str, bool]] = {}
    for service in policy.services.values() if policy else ():
        for site, one in ((service.site or "", service), *service.resources.items()):
            if policy is not None and one.database is not None and one.database.instance:
                at = policy.sites.get(site)
                found[one.database.instance, site] = (at.region or "", at.kind == "cold") if at else ("", False)
    return found


async def _kubernetes(connectors: Connectors, policy: Policy | None) -> str:
    assert connectors.kubernetes_reads is not None
    return await doctor_kubernetes.look(connectors.kubernetes_reads, policy)


def _library(settings: Settings, policy: Policy) -> Library:
    beside = settings.muster_config.resolve().parent
    return Library((BUILT_IN, *(beside / folder for folder in policy.playbooks)))


def _playbooks(library: Library, policy: Policy) -> list[Finding]:
    problems = [Finding("Playbook", "broken", f"{name}: {problem}") for name, problem in library.problems().items()]
    problems += [Finding("Playbook", "warning", what) for what in against(library, policy)]
    return problems or [ok("Playbooks", f"{len(library.names())} can be read")]


def _step_up(settings: Settings, policy: Policy) -> Finding:
    """Whether one-time codes can be checked, and whether the policy needs that."""
    if settings.muster_key is not None:
        return ok("One-time codes", "MUSTER_KEY is set")
    rules = policy.approvals
    if "required" in (rules.mfa, rules.recoverable.mfa, rules.irreversible.mfa):
        words = "policy `approvals.mfa: required`, but without MUSTER_KEY nobody can approve. `muster key` prints one."
        return Finding("One-time codes", "broken", words)
    words = "MUSTER_KEY is not set: no codes, so no terminals of people, no break-glass and no contain steps"
    return Finding("One-time codes", "missing", words)


async def _quorums(db: Database, connectors: Connectors, policy: Policy, library: Library) -> list[Finding]:
    """Which policy rules, and whether its quorums could be reached by the people known now."""
    ruling, finding = await db.read(lambda tx: doctor_policy.rules(tx, policy))
    directory = HomeDirectory(db, connectors.slack_reads, connectors.pagerduty_reads)
    await directory.find_home()
    await directory.refresh_groups(ruling)  # never by a file's own words: its groups may be only proposed
    playbooks = [library.find(name) for name in library.names()]
    return [finding, *await db.read(lambda tx: doctor_policy.reached(tx, ruling, playbooks))]
