"""Plain functions behind the commands and the Dagster assets; nothing here imports Dagster."""
