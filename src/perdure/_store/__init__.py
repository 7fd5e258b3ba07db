"""What records runs and answers queries."""
