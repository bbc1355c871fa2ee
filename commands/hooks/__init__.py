"""What other systems say, as asks of kind "webhook" or "event": one sender, one file."""
