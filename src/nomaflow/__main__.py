"""`python -m nomaflow` is the command `nomaflow`."""

from nomaflow.cli.main import main

main()
