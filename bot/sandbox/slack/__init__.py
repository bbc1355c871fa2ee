"""The stand-in for Slack: its Web API, its modals, and what it delivers to an app. See ``api.py`` and ``delivery.py``."""
