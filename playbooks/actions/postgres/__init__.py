"""Looking at and recovering PostgreSQL databases."""
