"""One file, one scenario: what stands in the account beforehand, what is deployed, and what is live then."""
