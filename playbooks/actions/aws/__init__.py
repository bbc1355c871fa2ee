"""Looking at and recovering what runs in AWS."""
