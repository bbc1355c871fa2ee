"""The stand-in for PagerDuty: ``account.py`` what it knows, ``events.py`` Events v2, ``rest.py``, ``webhooks.py``."""
