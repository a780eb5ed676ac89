"""Erasure of persons and of old lines, in every place where they lie: see docs/privacy.md."""
