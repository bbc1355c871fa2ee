"""One action, one file: what can be done or seen in Kubernetes."""
