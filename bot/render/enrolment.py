"""The form in which somebody sets up one-time codes: a picture to scan, the key in letters, a field for the first code.

Belongs here: how it looks. Does not belong here: making the secret (bot/enrolling.py). Only its owner sees a modal.
"""

from __future__ import annotations

from bot.render.blocks import Block, context, escape, section
from bot.render.forms import Origin
from bot.render.modal import field_input, modal, title_of
from commands.fields import fields_of
from commands.playbook.mfa import Mfa
from playbooks.policy import Policy


def form(secret: str, picture: str, origin: Origin, policy: Policy) -> Block:
    """secret: base32; picture: where Slack fetches the QR code, "" where it could not reach us."""
    letters = " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))
    image: Block = {"type": "image", "image_url": picture, "alt_text": "QR code for your authenticator app"}
    scan = "Scan this with your authenticator app, or add the key by hand" if picture else "Add this key by hand"
    code = next(field for field in fields_of(Mfa) if field.name == "code")
    return modal(
        title_of(Mfa), origin,
        [
            section(f"{scan} (time-based, six digits):\n`{letters}`"),
            *([image] if picture else []),
            field_input(Mfa, code, policy, required=True),
            context("Only you see this, and only now. Opening the form again makes a new key; the old one is dead."),
        ],
    )  # fmt: skip


def words(text: str, origin: Origin) -> Block:
    """Why there is nothing to set up."""
    return modal(title_of(Mfa), origin, [section(escape(text))], sends=False)
