"""Rules on what a plan does and on how its resources relate, which checkov cannot see.

One module per theme. A rule is a function that takes one resource (or one change) and the whole
environment, and says what it found; `policies/catalog.yaml` says which types it is asked about,
where it applies, and what a person should do. See `docs/policies.md`.
"""
