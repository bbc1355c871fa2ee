"""One action, one file: `aws.rds_failover` is `playbooks/actions/aws/rds_failover.py`.

Belongs here: what Muster can do to the outside world or see of it. Does not belong here: SDKs (connectors), storage, or
one action calling another.
"""

import warnings

# Some actions have a parameter called `title`, as people expect; the heading of the class stays `cls.title()`.
warnings.filterwarnings("ignore", message='Field name "title" in ".*" shadows an attribute in parent "Action"')
