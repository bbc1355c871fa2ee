"""What Prometheus has measured."""
