"""A stand-in for the driver `teradatasql`, under the real dbt-teradata adapter.

    install()                      the adapter's `import teradatasql` finds the stand-in
    system = System(landing=…)     a Teradata of its own: databases, tables, a landing lake for NOS
    use(system)                    connections go there from now on

No Teradata has ever answered here. What the stand-in does rests on manuals; each assumption that a
test relies on stands in `ledger.yml`. Statements are parsed, and whatever is not understood is an
error: nothing is passed on to DuckDB as it came. What Teradata *rejects* is not decided here but in
`rules.py`, which a system asks about every statement of the project.
"""

import sys

from tests.teradata.emulator import driver
from tests.teradata.emulator.errors import TeradataError
from tests.teradata.emulator.system import Fault, System

__all__ = ["Fault", "System", "TeradataError", "install", "use"]


def install() -> None:
    """Let every later `import teradatasql` find the stand-in."""
    sys.modules["teradatasql"] = driver


def use(system: System) -> None:
    """Connections that are opened from now on lead to this system."""
    driver.system = system
