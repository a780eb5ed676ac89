"""`python -m orchestration COMMAND`: every command of the project (orchestration/cli.py)."""

import sys

try:
    from orchestration.cli import main
except KeyboardInterrupt:
    sys.stderr.write("twist: interrupted; nothing was done\n")
    sys.exit(130)

# dbt's multiprocessing has a process that reports what an interrupted one has not given back.
sys.warnoptions.append("ignore::UserWarning:multiprocessing.resource_tracker")

if __name__ == "__main__":
    sys.exit(main())
