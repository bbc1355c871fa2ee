"""What a decision of two people does when it is made: one kind, one file, found by name.

Belongs here: handlers, declared with `@handler("policy")` in `policy.py` (a `-` in the kind is a `_` in the file). Does
not belong here: whose word counts, votes, expiry (../deciding.py).
"""
