"""The stand-in for hosts: real SSH servers on loopback, with a model of a Docker host behind each."""
