"""`python -m sagewright`: the command line."""

from sagewright.start import cli

cli()
