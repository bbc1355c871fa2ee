"""References: what is one, and what a key of a JSON secret gives, without ever showing a value."""

from __future__ import annotations

import json
import traceback

import pytest

from playbooks.errors import Refused
from playbooks.secrets import SecretRef, resolver, reveal

HELD = {"app/db": json.dumps({"password": "planted-1", "port": 5432, "tls": True, "more": {"a": "planted-2"}, "e": ""}),
        "app/plain": "planted-3", "app/list": '["planted-4"]', "app/half": '{"password": "planted-5"'}  # fmt: skip


def test_a_key_names_one_member_and_errors_hold_no_value() -> None:
    resolver("drawer", HELD.__getitem__)
    assert reveal(SecretRef("secret://drawer/app/db#password")) == "planted-1"
    assert reveal(SecretRef("secret://drawer/app/db#port")) == "5432"
    assert reveal(SecretRef("secret://drawer/app/db")) == HELD["app/db"]
    for address, words in {
        "app/db#pasword": "key pasword of the secret secret://drawer/app/db.*it has e, more, password, port, tls",
        "app/db#more": "holds no text or number",
        "app/db#tls": "holds no text or number",
        "app/db#e": "holds no text or number",
        "app/plain#password": "secret://drawer/app/plain is no JSON object, so it has no key password",
        "app/list#0": "is no JSON object",
        "app/half#password": "is no JSON object",
    }.items():
        with pytest.raises(Refused, match=words) as refused:
            reveal(SecretRef(f"secret://drawer/{address}"))
        said = "".join(traceback.format_exception(refused.value))
        assert "planted" not in said and refused.value.todo


@pytest.mark.parametrize("text", ["hunter2", "env://", "secret://aws/x#", "secret://#key", "http://x", "secret://"])
def test_what_is_no_reference_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(ValueError, match=f"A text of {len(text)} characters is not a secret reference"):
        SecretRef(text)
