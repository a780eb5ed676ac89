"""The path of an event from the shop to the landing lake, and reading that lake."""
