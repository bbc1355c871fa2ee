"""The stand-in for Slack: its Web API, its modals, what it delivers to an app. See ``api.py``, ``delivery.py``."""
