"""What is due, as asks of kind "timer" ("update INC-42"): one kind of timer, one file."""
