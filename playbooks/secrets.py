"""Secret references: `env://NAME`, `secret://aws/NAME`, `secret://aws/NAME#key`: a type, so that no value gets out.

Belongs here: the reference type and the one function that turns a reference into its value. Only connectors may call
`reveal`, at call time (tests/house/test_law.py holds that). Does not belong here: any value, cache or log line of one.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import core_schema

from playbooks.errors import Refused

Resolver = Callable[[str], str]
_resolvers: dict[str, Resolver] = {}


class SecretRef:
    """A reference to a secret; shows only its address. Example: `SecretRef("env://CHECKOUT_DSN")`.

    `secret://aws/NAME#key` is one member of a secret that holds a JSON object.
    """

    __slots__ = ("address",)

    def __init__(self, address: str) -> None:
        scheme, sep, name = address.partition("://")
        keyless = scheme == "secret" and "#" in name and not all(name.partition("#")[::2])
        if not sep or scheme not in ("env", "secret") or not name or keyless:
            raise ValueError(f"{_masked(address)} is not a secret reference; write env://NAME or secret://aws/NAME")
        self.address = address

    def __repr__(self) -> str:
        return f"SecretRef({self.address!r})"

    def __str__(self) -> str:
        return self.address

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SecretRef) and other.address == self.address

    def __hash__(self) -> int:
        return hash(self.address)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        """Accept a reference or its address; write it as its address."""

        def build(value: Any) -> SecretRef:
            if isinstance(value, SecretRef):
                return value
            if not isinstance(value, str):
                raise ValueError("a secret reference is text: env://NAME or secret://aws/NAME")
            return cls(value)

        return core_schema.no_info_plain_validator_function(
            build, serialization=core_schema.plain_serializer_function_ser_schema(str, when_used="always")
        )


def _masked(address: str) -> str:
    """A value typed where a reference belongs may be the secret itself, so errors do not repeat it."""
    return f"A text of {len(address)} characters"


def resolver(scheme: str, resolve: Resolver) -> None:
    """Register who reveals `secret://<store>/...` (the aws connector does for `secret://aws/`)."""
    _resolvers[scheme] = resolve


def reveal(ref: SecretRef) -> str:
    """The value behind a reference. Connectors only, at call time.

    Raises Refused when the variable, the store or the key is missing; the message names the reference, never a value.
    """
    scheme, _, name = ref.address.partition("://")
    if scheme == "env":
        value = os.environ.get(name)
        if not value:
            raise Refused(f"The secret {ref.address} is not set.", todo=f"Set the environment variable {name}.")
        return value
    store, _, path = name.partition("/")
    if store not in _resolvers:
        raise Refused(f"No secret store {store!r} is connected.", todo="Use env://NAME or configure AWS.")
    path, keyed, key = path.partition("#")
    text = _resolvers[store](path)
    return _member(ref, text, key) if keyed else text


def _member(ref: SecretRef, text: str, key: str) -> str:
    """One member of a JSON secret: its text, or a number as it is written."""
    whole = ref.address.partition("#")[0]
    try:
        held = json.loads(text)
    except ValueError:
        held = None
    if not isinstance(held, dict):  # raised out here, since the parser's own error holds the text
        raise Refused(f"The secret {whole} is no JSON object, so it has no key {key}.", todo=f"Write {whole} alone.")
    value = held.get(key)
    if isinstance(value, bool) or not isinstance(value, str | int | float) or value == "":
        what = "holds no text or number" if key in held else f"is not in it; it has {', '.join(sorted(held)) or 'none'}"
        raise Refused(f"The key {key} of the secret {whole} cannot be used: it {what}.", todo="Correct the reference.")
    return str(value)
