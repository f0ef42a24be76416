"""Checks that stock checkov can run too: --external-checks-dir policies/checkov --skip-download."""
