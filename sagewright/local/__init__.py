"""The embedded AWS: moto on loopback, with a SageMaker control plane that refuses what AWS refuses."""

HOST = "127.0.0.1"
"""Loopback only: it trusts every caller."""
