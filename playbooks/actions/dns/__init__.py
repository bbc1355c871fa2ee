"""What names say, as actions."""
