"""What is learned after an incident."""
