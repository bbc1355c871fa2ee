"""What scratch databases are called. Declares no action."""

from __future__ import annotations

from pydantic import Field, model_validator

from playbooks.action import Action
from playbooks.secrets import SecretRef


class ScratchStep(Action):
    """A step on a scratch database: its name says that it is one."""

    dsn: SecretRef = Field(description="Reference to a database on the server, with a role that may create databases")
    database: str = Field(description="Name of the scratch database", pattern=r"^[a-z][a-z0-9_]{3,62}$")
    prefix: str = Field(
        default="scratch_", description="How names of scratch databases begin", pattern=r"^[a-z][a-z0-9_]{2,30}_$"
    )

    @model_validator(mode="after")
    def _scratch(self) -> ScratchStep:
        if not self.database.startswith(self.prefix) or self.database == self.prefix:
            raise ValueError(f"a scratch database is called {self.prefix}…, so that nothing else is ever touched")
        return self
