"""Where the lost PQ went: readings of a run's ledger. No pixel is looked at, and nothing is counted anew."""
