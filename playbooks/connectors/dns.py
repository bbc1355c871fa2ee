"""DNS: asking a resolver what a name says, through dnspython. Looking only: records are changed where they are kept.

Belongs here: one question to the named resolver or the system's, with time-outs that stop, TCP where an answer was cut.
Does not belong here: any provider's API (aws_route53.py).
"""

from __future__ import annotations

from dataclasses import dataclass

import dns.asyncresolver
import dns.exception
import dns.rdatatype
import dns.resolver

from playbooks.connectors.answers import no_answer, unreachable
from playbooks.errors import Refused

PORT = 53


@dataclass(frozen=True)
class DnsAnswer:
    """What a name says. values: sorted, without last dots; empty when there is no such record; ttl: seconds left."""

    name: str
    type: str
    values: tuple[str, ...]
    ttl: int
    resolver: str


class DnsReads:
    """What can be asked of DNS. timeout: seconds for one question, all servers and TCP included."""

    vendor = "DNS"
    acting = False

    def __init__(self, *, timeout: float = 5.0) -> None:
        self._timeout = timeout

    async def ask(self, name: str, type: str, resolver: str = "") -> DnsAnswer:
        """Ask `resolver` ("8.8.8.8" or "127.0.0.1:5353"; "" is the system's). No such name is an answer without values.

        Raises Temporary when nobody answers in time, Refused when the resolver refuses or is no address.
        """
        asked = self._resolver(resolver)
        called = resolver or ", ".join(str(one) for one in asked.nameservers)
        try:
            found = await asked.resolve(name, type, lifetime=self._timeout, raise_on_no_answer=False, search=False)
        except dns.resolver.NXDOMAIN:
            return DnsAnswer(name, type, (), 0, called)
        except (dns.resolver.NoNameservers, ConnectionError) as error:
            raise unreachable("DNS", f"{type} {name} at {called}", _said(error)) from None
        except dns.exception.Timeout:
            raise no_answer("DNS", f"{type} {name} at {called}", "time-out", write=False) from None
        except dns.exception.DNSException as error:
            raise Refused(f"DNS cannot be asked for {type} {name}: {error}.") from None
        values = sorted(item.to_text().strip('"').rstrip(".") for item in found.rrset or ())
        return DnsAnswer(name, type, tuple(values), int(found.rrset.ttl) if found.rrset else 0, called)

    def _resolver(self, resolver: str) -> dns.asyncresolver.Resolver:
        asked = dns.asyncresolver.Resolver(configure=not resolver)
        if resolver:
            host, colon, port = resolver.rpartition(":") if resolver.count(":") == 1 else (resolver, "", "")
            try:
                asked.nameservers = [host]
                asked.port = int(port) if colon else PORT
            except ValueError:
                raise Refused(f"{resolver} is no resolver; write an address, or address:port.") from None
        asked.cache = None
        return asked


def _said(error: Exception) -> str:
    """The servers' reasons in short: SERVFAIL, REFUSED, connection refused."""
    text = str(error).lower()
    known = ("servfail", "refused", "timed out")
    return next((word for word in known if word in text), "no server answered")
