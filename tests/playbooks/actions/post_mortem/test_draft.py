"""`post_mortem.draft`."""

from __future__ import annotations

from typing import Any

import pytest

from playbooks.actions.post_mortem.draft import Draft
from playbooks.errors import NotConfigured
from playbooks.ports import Drafts

STEP = Draft(incident="INC-42")


async def test_the_same_key_gives_the_same_draft(act: Any, world: Any, drafts: Drafts) -> None:
    assert (await STEP.plan(world(drafts))).effect == "Draft the post-mortem of INC-42"
    done = await STEP.run(act(drafts, key="k1"))
    assert done == await STEP.run(act(drafts, key="k1"))
    assert (await drafts.read(done.document, "INC-42")).sha256 == done.sha256
    assert STEP.say(done) == "INC-42-post-mortem.md is drafted" and dict(STEP.facts) == {"post_mortem": "document"}
    with pytest.raises(NotConfigured):
        await STEP.plan(world())
