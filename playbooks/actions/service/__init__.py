"""Where services are active, as actions."""
