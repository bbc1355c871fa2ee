"""An open page to work on."""

from __future__ import annotations

from typing import Any

import pytest

from playbooks.connectors.pagerduty import PagerDuty, PdIncident


@pytest.fixture
async def page(pagerduty: PagerDuty, settled: Any) -> PdIncident:
    """The open incident of INC-42, with Ben."""
    await pagerduty.trigger("INC-42", "checkout is down")
    found = await settled(lambda: pagerduty.incident_by_key("INC-42"))
    assert isinstance(found, PdIncident)
    return found
