"""The overview: one self-contained page of the shop's figures, and the same figures as JSON."""
