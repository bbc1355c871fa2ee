"""Paging people through PagerDuty."""
