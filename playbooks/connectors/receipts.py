"""Receipts: how a command that changes something runs at most once per key, and outlives the line it came by.

A small POSIX script, always the same, gets the key and the command as words. It makes a folder named after the key
(`mkdir` is atomic: the second one to come finds it), starts the command beside itself with its output in a file, waits
a little, and says how things stand. Later looks read the same folder. So a lost connection, a lost replica or a
command that takes an hour are all the same: the receipt says what became of it.

Belongs here: the two scripts and reading what they say. Does not belong here: running them (hosts.py).
"""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from playbooks.connectors.answers import no_answer
from playbooks.connectors.tails import Answered
from playbooks.errors import Refused

# In the home folder; where that takes nothing (a full disk), in memory. Forgotten after a week.
_FIND = """k=$1 h="${HOME:-/root}/.muster" s="/dev/shm/muster-$(id -u)" d=
b=$(cat /proc/sys/kernel/random/boot_id 2>/dev/null)
for p in "$h" "$s"; do [ -d "$p/$k" ] && d="$p/$k"; done
"""
# A folder whose boot or process id is not written yet is a moment old. An id of an earlier boot says nothing, and a
# process that only waits to be reaped is no more.
_LIVES = """lives() {
  [ -f "$d/boot" ] || return 0
  [ "$(cat "$d/boot")" = "$b" ] || return 1
  [ -f "$d/pid" ] || return 0
  ! grep -q "^State:.[ZX]" "/proc/$(cat "$d/pid")/status" 2>/dev/null && kill -0 "$(cat "$d/pid")" 2>/dev/null
}
"""
_SAY = """if [ -f "$d/exit" ]; then st="ended $(cat "$d/exit")"
elif lives; then st="running 0"
elif [ -f "$d/exit" ]; then st="ended $(cat "$d/exit")"
else st="cut 0"; fi
echo "muster $st"
if [ "$(wc -c <"$d/out")" -gt 65536 ]; then head -c 32768 "$d/out"; echo; echo "[…]"; tail -c 32768 "$d/out"
else cat "$d/out"; fi
"""
LOOK = f"""umask 077
{_FIND}{_LIVES}[ -n "$d" ] || {{ echo "muster absent $(cut -d. -f1 /proc/uptime 2>/dev/null || echo 0)"; exit 0; }}
{_SAY}"""
START = f"""umask 077
{_FIND}{_LIVES}again=$2 n=$3 w=$4; shift 4
if [ -n "$d" ] && [ "$again" = safe ] && [ ! -f "$d/exit" ] && ! lives; then rm -rf "$d"; d=; fi
if [ -z "$d" ]; then
  cd "$w" 2>/dev/null || {{ echo "muster folder 0"; exit 0; }}
  command -v "$1" >/dev/null || {{ echo "muster program 0"; exit 0; }}
  for p in "$h" "$s"; do
    mkdir -p "$p" 2>/dev/null || continue
    find "$p" -mindepth 1 -maxdepth 1 -mtime +7 -exec rm -rf {{}} + 2>/dev/null
    if mkdir "$p/$k" 2>/dev/null; then
      if echo "$b" >"$p/$k/boot" 2>/dev/null && : >"$p/$k/out"; then
        d="$p/$k"
        ( trap "" HUP; "$@" >"$d/out" 2>&1 </dev/null; echo $? >"$d/part"; mv "$d/part" "$d/exit" ) >/dev/null 2>&1 &
        echo $! >"$d/new"; mv "$d/new" "$d/pid"; break
      fi
      rm -rf "$p/$k"
    elif [ -d "$p/$k" ]; then d="$p/$k"; break; fi
  done
  [ -n "$d" ] || {{ echo "muster nowhere 0"; exit 0; }}
fi
while [ ! -f "$d/exit" ] && [ "$n" -gt 0 ] && lives; do sleep 0.2; n=$((n-1)); done
{_SAY}"""
TICK_S = 0.2
State = Literal["ended", "running", "cut", "absent"]
NOT_BEGUN = {
    "folder": "its folder {cwd} is not there",
    "program": "it has no {program}",
    "nowhere": "neither the home folder nor memory takes a receipt",
}


@dataclass(frozen=True)
class Receipt:
    """How a command stands. status: its exit status once ended. output: what it said so far. up_s: of an absent one.

    ended; running; cut: begun, and gone without an end (killed, or the host restarted); absent: never begun under that
    key as far as the host knows, which has been up for up_s seconds.
    """

    state: State
    status: int | None = None
    output: str = ""
    up_s: float = 0.0


def receipt_key(key: str, command: str) -> str:
    """32 hex digits for one attempt's run of one command: safe as a folder's name, and nothing is told by it."""
    return hashlib.sha256(f"{key}\n{command}".encode()).hexdigest()[:32]


def start_line(key: str, argv: Sequence[str], *, cwd: str, again: str, wait_s: float) -> str:
    """The line that starts argv under a key, or says how the one started under it stands."""
    ticks = str(max(0, round(wait_s / TICK_S)))
    return shlex.join(["sh", "-c", START, "muster", key, again, ticks, cwd or ".", *argv])


def look_line(key: str) -> str:
    """The line that says how what was started under a key stands."""
    return shlex.join(["sh", "-c", LOOK, "muster", key])


def read(answered: Answered, host: str, *, write: bool, cwd: str = "", program: str = "") -> Receipt:
    """What the scripts said. Refused when it was not begun; as no answer when they said nothing of this kind."""
    first, _, output = answered.text.partition("\n")
    words = first.split()
    if len(words) != 3 or words[0] != "muster":
        raise no_answer("SSH", host, f"instead of a receipt it said {first[:120]!r}", write=write)
    if words[1] in NOT_BEGUN:
        why = NOT_BEGUN[words[1]].format(cwd=cwd or "home", program=program)
        raise Refused(f"{host} cannot run this: {why}. Nothing was run.")
    number = int(words[2]) if words[2].lstrip("-").isdigit() else 0
    match words[1]:
        case "ended":
            return Receipt("ended", number, output)
        case "running":
            return Receipt("running", None, output)
        case "absent":
            return Receipt("absent", up_s=float(number))
    return Receipt("cut", None, output)
