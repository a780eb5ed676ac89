"""The warehouse: its lock and connections, loading, replaying, rebuilding and maintaining it."""
