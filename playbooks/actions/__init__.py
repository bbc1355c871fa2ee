"""One action, one file: `aws.rds_failover` is `playbooks/actions/aws/rds_failover.py`.

Belongs here: what Muster can do to the outside world or see of it. Does not belong here: SDKs (connectors), storage, or
one action calling another.
"""

import warnings


def title_is_a_parameter() -> None:
    """Called above a class with a parameter `title`: pydantic would warn that it hides `Action.title`.

    It hides it on instances only; the heading is asked of the class (`cls.title()`). Called where the class is made,
    because filters set elsewhere may be gone by then.
    """
    warnings.filterwarnings("ignore", message='Field name "title" in ".*" shadows an attribute in parent "Action"')
