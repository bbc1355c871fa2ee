"""What an evidence pack says about itself.

Belongs here: two texts with holes. Does not belong here: what fills them (pack.py).
"""

from __future__ import annotations

README = """# Evidence of {stream}

What Muster recorded, {events} events, and what it takes to check it offline. Nothing here needs Muster.

| file | what it is |
|---|---|
| `timeline.jsonl` | Every event exactly as it was hashed, one a line. The evidence; the rest is for reading. |
| `timeline.md`, `timeline.csv` | The same events as sentences and as a table. |
| `approvals.json` | What was approved: the digest people saw, what it bound, the rule of that moment, each vote. |
| `decisions.json` | What two people decided about this record and is no step of a run. |
| `playbooks/` | The playbooks as they were run. The SHA-256 of each file is the `digest` in `run.requested`. |
| `documents/` | What Muster wrote from the timeline, such as the post-mortem draft. |
| `anchors.jsonl` | Heads of this timeline that stand outside the database, and where (`place`, `ref`). |
| `verify.py` | The verifier: one file, Python's standard library, made to be read. |
| `verification.txt` | What checking it said when the pack was made. |

## Check it

    python verify.py timeline.jsonl

That shows that no event was edited, removed, inserted or reordered since the first hash was made. It cannot show that
the whole history was not written anew, or its tail cut. For that, hold it against anchors, and take them from where
they stand (the Slack channel, the file, the locked S3 objects), not from this pack:

    python verify.py timeline.jsonl --anchor anchors-you-fetched.jsonl
    python verify.py timeline.jsonl --anchor INC-42@41:sha256:...

`anchors.jsonl` says where to look. Texts marked erased were taken out by two people; their salted digests remain.
Hold `approvals.json` against the timeline: `approval.requested` has each digest, `approval.voted` each vote.
"""

VERIFICATION = """{result}
Stream: {stream}
Events: {events}
Head:   {head}
Erased: {erased} texts
Anchors of this database that agree: {own} (a weak check: take anchors from where they stand)
Later events may follow. Check it yourself: python verify.py timeline.jsonl
"""
