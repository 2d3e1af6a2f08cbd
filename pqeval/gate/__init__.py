"""The gate: what scores are expected to be, and whether they still are."""
