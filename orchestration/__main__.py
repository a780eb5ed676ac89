"""`python -m orchestration COMMAND`: every command of the project (orchestration/cli.py)."""

import sys

from orchestration.cli import main

if __name__ == "__main__":
    sys.exit(main())
