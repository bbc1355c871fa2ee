"""For every command the wrong lines that people really type at the prepared moment, and what the answer must say.

A missing word, an option there is not, a bad value, a state that does not fit, a place that does not. A new command
needs its lines here; one that cannot be typed wrongly stands in `NEVER_WRONG` with the reason. Belongs here: the lines.
Does not belong here: the moment (every_command.py), what holds for every answer (test_refusals.py).
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.conversations.every_command import ANA, BEN, CHI, DOV, EVE, HERE

GENERAL = "#general"


@dataclass(frozen=True)
class Wrong:
    """One line without its words, as somebody types it somewhere; says: what the answer must hold, whatever its case."""

    rest: str
    says: tuple[str, ...]
    by: str = ANA
    at: str = HERE


def w(rest: str, *says: str, by: str = ANA, at: str = HERE) -> Wrong:
    return Wrong(rest, says, by, at)


def lost(rest: str = "") -> Wrong:
    """Right words in #general, where no incident is."""
    return Wrong(rest, ("which incident", "INC-1"), ANA, GENERAL)


NONE_SUCH = ("INC-99", "INC-1 checkout is down")  # says which one there is not, and which there are
NO_RUN = ("INC-1/99", "/playbook status")
WRONG: dict[str, tuple[Wrong, ...]] = {
    "incident ack": (w("INC-99", *NONE_SUCH), w("INC-3", "cancelled"), w("soon", "soon"), lost()),
    "incident cancel": (w("incident=INC-99 false alarm", *NONE_SUCH), w("incident=INC-3 twice", "cancelled"), lost("false alarm")),
    "incident capture": (w("", "message"), w("the last one", "*the*", "copy its link"), w("C0GENERAL/1700000000.000100", "no such message"), w("{spoken}", "which incident", at=GENERAL), w("{spoken} how=magic", "magic", "typed")),
    "incident catchup": (w("INC-99", *NONE_SUCH), w("please", "please"), lost()),
    "incident clock": (w("gdpr", "reason"), w("gdrp a bucket was public", "gdrp", "gdpr"), w("gdpr aware-since 25:99 it leaked", "25:99", "14:05"), w("gdpr it leaked again", "runs already", "aware-since"), w("gdpr incident=INC-3 it leaked", "cancelled"), lost("gdpr it leaked")),
    "incident clocks": (w("gdpr", "gdpr"), w("INC-99", *NONE_SUCH), lost()),
    "incident close": (w("", "INC-1", "resolve"), w("INC-2", "resolve incident=INC-2"), w("INC-99", *NONE_SUCH), lost()),
    "incident contacts": (w("checkout", "checkout"),),
    "incident declare": (w("sev9 x", "sev9", "sev1"), w("sev1", "title"), w("critcal x", "critcal", "critical"), w("sev1 x service=chekout", "chekout", "checkout"), w("sev1 x type=secret", "secret", "security"), w("sev1 x servce=checkout", "servce", "service")),
    "incident deploys": (w("chekout", "chekout", "checkout"), w("hours=many", "hours"), w("INC-99", "INC-99")),
    "incident detected": (w("25:99", "25:99", "14:05"), w("soonish", "soonish"), w("2099-01-01T00:00", "future"), lost("00:01")),
    "incident escalate": (w("INC-99", "INC-1's channel", "incident=INC-99"), w("incident=INC-3", "cancelled", "reopen incident=INC-3"), w("level=99", "99", "level=2"), lost()),
    "incident eta": (w("soonish", "soonish", "18:00"), w("incident=INC-3 1h", "cancelled"), lost("1h")),
    "incident export": (w("pdf", "pdf", "csv"), w("cvs", "cvs", "csv"), w("INC-99", *NONE_SUCH), lost()),
    "incident followups": (w("ad alarm on lag", "add", "done"), w("add", "what"), w("done f9", "f9"), w("done", "which"), w("later f9", "later", "change"), w("add due=yesterday-ish alarm", "yesterday-ish", "30m"), w("change f9 due=2099-01-01T00:00", "f9"), w("INC-99", "INC-1's channel", "incident=INC-99"), lost()),
    "incident help": (w("decalre", "decalre", "/incident declare"), w("everything", "everything", "/incident help")),
    "incident hold": (w("", "reason"), w("incident=INC-2 case 8", "has been held", "release incident=INC-2"), w("incident=INC-99 case 8", *NONE_SUCH), lost("case 8")),
    "incident impact": (w("from=25:99", "25:99"), w("user=12", "user", "users"), w("from=00:02 to=00:01", "before it began"), lost("users=12")),
    "incident leftovers": (w("after=x", "x"), w("INC-99", *NONE_SUCH), w("after=99", "99"), lost()),
    "incident level": (w("regional_outtage it is dark", "regional_outtage", "regional_outage"), w("regional_outage", "reason"), w("none it was one rack", "not declared a disaster"), lost("regional_outage it is dark")),
    "incident link": (w("grafana the dashboard", "grafana", "https://"), w("javascript:alert(1) x", "address"), lost("https://x.example.com")),
    "incident list": (w("alll", "alll", "all"), w("older=x", "older")),
    "incident merge": (w("INC-1", "this one"), w("INC-99", "INC-99"), w("search", "search"), w("INC-3", "cancelled"), w("INC-3 incident=INC-99", "INC-99"), lost("INC-2")),
    "incident mitigated": (w("incident=INC-3 done", "cancelled"), w("INC-99", "INC-1's channel", "incident=INC-99"), lost()),
    "incident note": (w("at 25:99 it broke", "25:99", "14:05"), w("incident=INC-99 it broke", *NONE_SUCH), w("at 2099-01-01T00:00 it broke", "future"), lost("it broke")),
    "incident notified": (w("gdrp by post", "gdrp", "gdpr"), w("nis2 sent", "nis2"), w("gdpr by=dov sent", "dov", "@"), w("gdpr at 25:99 sent", "25:99"), w("gdpr at 2099-01-01T00:00 sent", "future"), lost("gdpr sent")),
    "incident oncall": (w("chekout", "chekout", "checkout"), w("checkout now", "now")),
    "incident page": (w("@srre come", "srre", "sre"), w("ben come", "ben", "@"), w("<@U0GUS|gus> come", "guest"), w("<@U0NOBODY|x> come", "nobody"), w("incident=INC-3 checkout come", "cancelled", "reopen incident=INC-3"), lost("checkout come")),
    "incident parent": (w("INC-1", "this one"), w("INC-99", "INC-99"), w("search", "search"), w("none", "no"), lost("INC-2")),
    "incident postmortem": (w("sumary Checkout was down", "sumary", "section"), w("section=sumary x", "sumary", "summary"), w("section=summary It was down.", "no post-mortem"), w("share", "no post-mortem"), w("what=shar", "shar", "share"), lost()),
    "incident private": (w("incident=INC-99 x", *NONE_SUCH), lost("x")),
    "incident publish": (w("proposal=99", "99"), w("proposal=x", "proposal"), w("INC-3", "cancelled"), w("INC-99", *NONE_SUCH), lost()),
    "incident redact": (w("", "event", "reason"), w("forty a name", "forty"), w("999 a name", "999"), w("{noted}", "reason"), lost("3 a name")),
    "incident related": (w("INC-1", "this one"), w("INC-99", "INC-99"), lost("INC-2")),
    "incident release": (w("", "reason"), w("it is closed", "not held", "/incident hold"), w("incident=INC-99 x", *NONE_SUCH), lost("it is closed")),
    "incident reopen": (w("it is back", "INC-1", "open"), w("incident=INC-99 it is back", *NONE_SUCH), lost("it is back")),
    "incident resolve": (w("writer failed over", "left over", "accept"), w("incident=INC-3 x", "cancelled"), w("incident=INC-99 x", *NONE_SUCH), w("acept=ok x", "acept", "accept"), lost("done")),
    "incident restored": (w("25:99", "25:99", "14:05"), w("later", "later"), w("2099-01-01T00:00", "future"), lost()),
    "incident role": (w("comander me", "comander", "commander"), w("commander", "person"), w("commander ben", "ben", "@"), w("commander <@U0GUS|gus>", "guest"), w("tech_lead nobody", "tech_lead"), lost("commander me")),
    "incident send": (w("", "draft"), w("draft=nonsense", "preview"), w("draft={draft}", "preview", by=BEN), lost("draft=x")),
    "incident service": (w("add", "service"), w("ad auth", "ad", "add"), w("add auht", "auht", "auth"), w("add checkout", "checkout"), w("remove auth", "auth"), lost("add auth")),
    "incident sev": (w("sev9 worse", "sev9", "sev1"), w("sev1 same", "sev1"), w("incident=INC-3 sev1 x", "cancelled"), lost("sev2 x")),
    "incident shift": (w("me", "name who"), w("<@U0GUS|gus> x", "guest"), w("eve x", "eve", "@"), w("<@U0DOV|dov> x", "no role", by=EVE), w("<@U0EVE|eve> x", "name who", by=EVE), w("incident=INC-3 <@U0EVE|eve> x", "cancelled"), lost("<@U0EVE|eve> x")),
    "incident snooze": (w("updates 2h", "updates", "update"), w("update 9d", "day"), w("update soonish", "soonish", "30m", "18:00"), w("ack 1h", "cannot be put off", "/incident ack"), lost("update 1h")),
    "incident status": (w("INC-99", *NONE_SUCH), w("checkout", "checkout"), lost()),
    "incident subscribe": (w("INC-99", *NONE_SUCH), w("", "already", by=DOV), lost()),
    "incident task": (w("due=soonish call", "soonish", "30m"), w("due=30m", "what"), w("<@U0GUS|gus> call", "guest"), w("incident=INC-3 call", "has ended", "INC-3"), lost("call")),
    "incident tasks": (w("done=9", "9"), w("done=x", "x"), w("done=1 take=1", "one at a time"), w("take=9", "9"), w("later=9", "9"), w("all", "all"), lost()),
    "incident tell": (w("everybody x", "everybody", "internal"), w("customer x", "customer", "customers"), w("customers", "text"), w("internal template=nosuch x", "nosuch"), w("internal list=nosuch x", "nosuch"), lost("internal x")),
    "incident timeline": (w("after=x", "x"), w("INC-99", *NONE_SUCH), w("after=9999", "9999"), w("all", "all"), lost()),
    "incident triage": (w("T-9 show", "T-9"), w("T-9 dismiss x", "T-9"), w("T-1 dismis x", "dismis", "dismiss"), w("T-1 join INC-99", "INC-99"), w("T-1 join INC-3", "cancelled"), w("disk", "disk")),
    "incident uncapture": (w("", "message"), w("that one", "that"), w("{spoken}", "on no timeline"), w("{marked}", "on no timeline", at=GENERAL)),
    "incident unsubscribe": (w("", "not", by=EVE), w("INC-99", *NONE_SUCH), lost()),
    "incident update": (w("incident=INC-3 x", "cancelled"), w("status=identifed It fails over.", "identifed", "identified"), w("statsu=identified It fails over.", "statsu", "status"), lost("x")),
    "playbook abort": (w("INC-1/99", *NO_RUN), w("INC-1/1", "INC-1/1"), w("", "which run"), w("failover", "which run"), w("{closed} x", "{closed}"), w("", "which run", at=GENERAL), w("/7", "of which incident", at=GENERAL)),
    "playbook accept": (w("{closed}", "reason"), w("INC-1/99 x", *NO_RUN), w("{held} x", "{held}"), w("{closed} step=9 x", "9"), w("x", "which run", at=GENERAL)),
    "playbook answer": (w("{asks} maybe", "maybe", "yes"), w("{held} yes", "{held}"), w("INC-1/99 yes", *NO_RUN), w("yes", "which run"), w("{asks} step=9 yes", "9"), w("yes", "which run", at=GENERAL)),
    "playbook approve": (w("INC-1/99", *NO_RUN, by=CHI), w("{asks}", "{asks}", by=CHI), w("{held} 12ab34", "not current", by=CHI), w("{held}", "counts", by=BEN), w("{held}", "sre", by=ANA), w("the failover", "the"), w("", "which run", at=GENERAL)),
    "playbook auditor": (w("", "person"), w("<@U0EVE|eve>", "pairing"), w("<@U0EVE|eve> hello days=14 audit", "muster login", by=BEN), w("<@U0EVE|eve> {pairing} days=999 audit", "90", by=BEN), w("<@U0EVE|eve> {pairing}", "reason")),
    "playbook break-glass": (w("{held} rules=people code=000000 nobody answers", "code", by=BEN), w("{asks} rules=people code={code} nobody answers", "{asks}", by=BEN), w("{held} rules=poeple code={code} nobody answers", "poeple", "people", by=BEN), w("INC-1/99 x", *NO_RUN, by=BEN), w("nobody answers", "which run", at=GENERAL)),
    "playbook cli": (w("HELLO code={code}", "muster login", by=BEN), w("{pairing}", "one-time code", by=BEN), w("{pairing} code=000000", "code", by=BEN), w("{pairing} code=123456", "codes", by=ANA)),
    "playbook confirm": (w("", "decision"), w("D-99", "D-99"), w("that", "that"), w("D-2", "D-2"), w("{decision}", "counts", by=BEN), w("{decision}", "does not count", "sre", by=ANA)),
    "playbook confirm-member": (w("", "person"), w("<@U0EVE|eve>", "approvers"), w("<@U0EVE|eve> srre", "srre", "sre", by=CHI), w("eve sre", "eve", "@"), w("<@U0ANA|ana> sre", "sre", by=CHI), w("<@U0FAY|fay> sre", "know", by=CHI)),
    "playbook decisions": (w("D-3", "D-3"),),
    "playbook deny": (w("INC-1/99 x", *NO_RUN, by=CHI), w("{asks} x", "{asks}", by=CHI), w("x", "which run", at=GENERAL)),
    "playbook erase": (w("", "who is"), w("<@U0EVE|eve>", "reason"), w("eve left", "eve", "@"), w("<@U0CHI|chi> I go", "policy still names", by=CHI), w("P-AAAAAAAAAAAA left", "P-AAAAAAAAAAAA", by=CHI)),
    "playbook escrow": (w("", "person"), w("{erased}", "reason"), w("P-AAAAAAAAAAAA asks", "P-AAAAAAAAAAAA", by=BEN), w("<@U0EVE|eve> asks", "erased", by=BEN)),
    "playbook help": (w("rnu", "rnu", "/playbook run"), w("everything", "everything", "/playbook help")),
    "playbook join": (w("", "person", "account"), w("<@U0BEN|ben> PX1A2B3", "PX1A2B3", "pagerduty:"), w("ben pagerduty:PX1A2B3", "ben", "@"), w("<@U0BEN|ben> <@U0BEN|ben>", "already", by=BEN)),
    "playbook list": (w("failovr", "failovr", "failover"), w("failover rds", "rds")),
    "playbook mfa": (w("of code=123456", "of", "off"), w("off", "code", by=BEN), w("off code=000000", "code", by=BEN), w("off code=123456", "codes", by=ANA), w("reset ben", "ben", "@"), w("code=000000", "code", by=ANA)),
    "playbook pause": (w("INC-1/99", *NO_RUN), w("INC-1/1", "INC-1/1"), w("{idle}", "paused"), w("", "which run"), w("", "which run", at=GENERAL)),
    "playbook plan": (w("mine/lok", "mine/lok", "mine/look"), w("failover/rds-multi-az service=chekout", "chekout", "checkout"), w("failover/rds-multi-az servce=checkout", "servce", "service"), w("mine/look incident=INC-99", "INC-99"), w("failover/rds-multi-az", "service", "checkout", at=GENERAL), w("mine/look please", "please")),
    "playbook reject": (w("", "decision"), w("D-99 x", "D-99"), w("D-2 x", "D-2"), w("{decision} x", "sre", by=ANA)),
    "playbook resume": (w("INC-1/99", *NO_RUN), w("{asks}", "{asks}"), w("INC-1/1", "INC-1/1"), w("", "which run", at=GENERAL)),
    "playbook retry": (w("INC-1/99", *NO_RUN), w("{asks}", "{asks}"), w("{held}", "{held}"), w("{stuck} step=9", "9"), w("INC-1/1", "INC-1/1"), w("", "which run", at=GENERAL)),
    "playbook review": (w("{closed}", "verdict"), w("{closed} acept", "acept", "accept"), w("{closed} object", "reason", by=CHI), w("{closed} accept", "second person", by=BEN), w("{held} accept", "{held}", by=CHI), w("INC-1/99 accept", *NO_RUN), w("accept", "which run", at=GENERAL)),
    "playbook revoke": (w("INC-1/99", *NO_RUN), w("{held}", "approved nothing", by=CHI), w("{closed}", "has started", by=BEN), w("", "which run", at=GENERAL)),
    "playbook run": (w("failover/rds-mutli-az", "failover/rds-mutli-az", "failover/rds-multi-az"), w("failover/rds-multi-az", "service", "checkout", at=GENERAL), w("failover/rds-multi-az service=chekout", "chekout", "checkout"), w("failover/rds-multi-az servce=checkout", "servce", "service"), w("mine/look incident=INC-99", "INC-99"), w("mine/look incident=INC-3", "cancelled"), w("mine/look please", "please")),
    "playbook search": (w("", "query"), w("zzzqqq", "zzzqqq", "/playbook list")),
    "playbook show": (w("", "playbook"), w("failover/rds", "failover/rds", "failover/rds-multi-az"), w("failover/rds-multi-az service=checkout", "service")),
    "playbook skip": (w("{asks}", "reason"), w("INC-1/99 x", *NO_RUN), w("{asks} step=9 x", "9"), w("INC-1/1 x", "INC-1/1"), w("x", "which run", at=GENERAL)),
    "playbook status": (w("INC-1/99", *NO_RUN), w("INC-99", *NONE_SUCH), w("failover", "failover"), w("", "incident", at=GENERAL)),
    "playbook undo": (w("{closed}", "reason"), w("INC-1/99 x", *NO_RUN), w("{held} x", "{held}"), w("{closed} step=9 x", "9"), w("x", "which run", at=GENERAL)),
}  # fmt: skip
# Of a bare command's form: what is filled in wrongly, and what then stands beside which field.
FORMS: dict[str, tuple[dict[str, str], dict[str, tuple[str, ...]]]] = {
    "incident clock": ({"clock": "gdrp", "aware": "25:99", "reason": "it leaked"}, {"clock": ("gdpr",), "aware": ("25:99", "14:05")}),
    "incident detected": ({"when": "25:99"}, {"when": ("25:99", "14:05")}),
    "incident eta": ({"at": "soonish"}, {"at": ("soonish", "30m")}),
    "incident impact": ({"users": "12 %", "from_": "25:99"}, {"from_": ("25:99", "14:05")}),
    "incident link": ({"url": "grafana", "title": "the dashboard"}, {"url": ("grafana", "https://")}),
    "incident note": ({"at": "half past", "text": "a long story"}, {"at": ("half past", "14:05")}),
    "incident notified": ({"clock": "gdpr", "at": "25:99", "reference": "by post"}, {"at": ("25:99", "14:05")}),
    "incident snooze": ({"subject": "update", "until": "soonish"}, {"until": ("soonish", "30m")}),
    "incident task": ({"due": "soonish", "what": "call the bank"}, {"due": ("soonish", "30m")}),
}  # fmt: skip
