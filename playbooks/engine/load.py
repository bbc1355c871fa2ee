"""YAML -> typed playbook, or every problem in it with its line."""

from __future__ import annotations

from playbooks.engine.model import Input, InputType, OnFailure, Playbook, Step

__all__ = ["Input", "InputType", "OnFailure", "Playbook", "Step"]
