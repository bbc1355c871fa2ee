"""One action, one file: `aws.rds_failover` is `playbooks/actions/aws/rds_failover.py`.

Belongs here: what Muster can do to the outside world or see of it. Does not belong here: SDKs (connectors), storage, or
one action calling another.
"""
