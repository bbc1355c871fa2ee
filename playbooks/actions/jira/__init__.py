"""Tickets in Jira."""
