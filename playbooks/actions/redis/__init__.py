"""Looking at and recovering Redis caches."""
