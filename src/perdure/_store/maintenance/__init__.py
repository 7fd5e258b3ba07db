"""Looking after a database: copying, checking, and pruning old runs."""
