"""Imported by the process that warm commands are forked from: dbt, parsed."""

from tests.harness.warm import warm_runner

warm_runner()
