"""Looking at services the way their users do."""
