"""Telling customers through Statuspage."""
