"""The letters every policy has without writing them: one template per audience, replaced by one of the same name.

Belongs here: their words, and which template an audience gets. Does not belong here: the shape of a template
(policy_sends.py), the facts they are filled with (commands/facts.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_VALUES = {
    "incident": "the incident's id", "title": "its title", "severity": "its severity", "service": "what is affected",
    "status": "where it stands", "began": "when it began", "impact": "who and what is affected",
    "eta": "when it is expected to be over", "commander": "who leads", "text": "what you say",
    "url": "the incident's page", "page": "where customers read more", "organisation": "who we are",
    "contact": "whom to ask",
}  # fmt: skip


def _template(audience: str, title: str, subject: str, body: str) -> dict[str, Any]:
    used = {name: said for name, said in _VALUES.items() if f"{{{{ {name} }}}}" in subject + body}
    return {
        "name": f"update_{audience}", "title": title, "audience": audience, "subject": subject, "body": body,
        "values": used,
    }  # fmt: skip


TEMPLATES: Mapping[str, dict[str, Any]] = {
    "update_internal": _template(
        "internal", "Colleagues, where an incident stands", "[{{ incident }}] {{ severity }} {{ title }}: {{ status }}",
        "{{ text }}\n\nAffected: {{ service }}, since {{ began }}. Impact: {{ impact }}. "
        "Expected to be over: {{ eta }}.\nIncident commander: {{ commander }}.\n{{ url }}\n",
    ),
    "update_customers": _template(
        "customers", "Customers, where an incident stands", "{{ service }}: {{ status }}",
        "Dear customers,\n\n{{ text }}\n\nSince {{ began }} {{ service }} is affected. Expected to be over: {{ eta }}."
        "\nUpdates: {{ page }}\n\n{{ organisation }}\n",
    ),
    "update_executives": _template(
        "executives", "Management, where an incident stands", "{{ severity }} {{ incident }}: {{ title }}",
        "{{ text }}\n\n{{ severity }} incident {{ incident }}, {{ status }} since {{ began }}: {{ service }}."
        "\nImpact: {{ impact }}\nExpected to be over: {{ eta }}\nIncident commander: {{ commander }}\n{{ url }}\n",
    ),
    "update_regulator": _template(
        "regulator", "An authority, about an incident", "Notification of an incident ({{ incident }})",
        "{{ organisation }} gives notice of an incident affecting {{ service }}, which began at {{ began }}.\n\n"
        "{{ text }}\n\nStatus: {{ status }}. Impact: {{ impact }}. Expected to be over: {{ eta }}."
        "\nContact: {{ contact }}\n",
    ),
}  # fmt: skip


def with_defaults(given: Any) -> Any:
    """A policy's `templates` with those it does not write itself; what is no map is left for the checks to refuse."""
    if given is None:
        return dict(TEMPLATES)
    return {**TEMPLATES, **given} if isinstance(given, dict) else given
