"""Who may not ask for what: for every command an outsider, or the reason why nobody is refused.

Belongs here: these tables. Does not belong here: how they are played (test_refusals.py).
"""

from __future__ import annotations

# Decided by the engine and not by a permission: what a member of no group types, and what the answer says.
GUARDED: dict[str, tuple[str, tuple[str, ...]]] = {
    "playbook approve": ("{held}", ("`@sre`", "Ben", "Chi")),
    "playbook break-glass": ("{held} rules=people code=000000 nobody answers", ("Ben", "Chi")),
    "playbook confirm": ("{decision}", ("`@sre`", "Ben", "Chi")),
    "playbook deny": ("{held} not now", ("`@sre`", "Ben", "Chi")),
    "playbook reject": ("{decision} nobody asked", ("`@sre`", "Ben", "Chi")),
    "playbook review": ("{closed} accept", ("`@sre`",)),
    "playbook revoke": ("{held} wrong zone", ("approved nothing",)),
}
# Every full member may, and why.
LOOK = "it shows what every member may see; what is private is left out"
RECORD = "whoever was there writes the record down; each entry names its author"
MYSELF = "it is about whoever asks alone"
STOP = "stopping needs no leave: what has not begun will not"
TWO = "asking changes nothing: two others decide, and the engine counts only those who may"
NOBODY_REFUSED: dict[str, str] = {
    **dict.fromkeys(
        (
            "incident catchup", "incident clocks", "incident contacts", "incident export",
            "incident help", "incident leftovers", "incident list", "incident oncall", "incident status",
            "incident timeline", "playbook decisions", "playbook help", "playbook status",
        ),
        LOOK,
    ),
    **dict.fromkeys(
        (
            "incident capture", "incident detected", "incident note", "incident postmortem", "incident restored",
            "incident uncapture",
        ),
        RECORD,
    ),
    **dict.fromkeys(("incident subscribe", "incident unsubscribe", "playbook cli", "playbook mfa"), MYSELF),
    **dict.fromkeys(("playbook abort", "playbook pause"), STOP),
    **dict.fromkeys(
        (
            "incident hold", "incident redact", "incident release", "playbook auditor", "playbook confirm-member",
            "playbook erase", "playbook escrow", "playbook join",
        ),
        TWO,
    ),
    "playbook answer": "the question itself names who is asked; the engine refuses all others",
}  # fmt: skip
