"""What sqlfluff's Jinja knows of dbt beyond its own builtins: enough for our macros to render.

sqlfluff loads the project's own macros and takes every name of this module into their context.
"""

import datetime
from types import SimpleNamespace
from typing import Any

import pytz
from jinja2 import pass_context
from jinja2.runtime import Context


@pass_context
def _dispatch(context: Context, macro_name: str, _package: str = "") -> Any:
    return context.resolve(f"duckdb__{macro_name}")


adapter = SimpleNamespace(dispatch=_dispatch)
target = SimpleNamespace(type="duckdb", name="offline")
execute = False
modules = SimpleNamespace(pytz=pytz, datetime=datetime)


def env_var(_name: str, default: str = "") -> str:
    """The default: layout is judged, not values."""
    return default


def var(name: str, _default: object = None) -> int | str:
    """A number, for some macros count with it; of the time zone a name."""
    return "UTC" if name == "time_zone" else 1


def is_incremental() -> bool:
    """No: the whole truth is judged; sqlfluff tries the branches not taken as variants."""
    return False
