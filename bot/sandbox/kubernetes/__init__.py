"""The stand-in for a Kubernetes control plane: one file per part, `api.py` is the door."""
