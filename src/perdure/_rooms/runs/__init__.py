"""Flow runs and task runs."""
