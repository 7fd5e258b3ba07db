"""Looking after a database: copying, checking, and letting go of old runs."""
