"""What Muster does in Slack that will not be edited afterwards (messages that will be are cards)."""
