"""`python -m sagewright`: the command line."""

from sagewright.cli import main

main()
