"""The way of an event from the shop to the landing lake, and how the lake is read."""
