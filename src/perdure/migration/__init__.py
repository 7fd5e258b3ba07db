"""Coming from other systems: programs are rewritten, a database of Prefect's is taken over. See `perdure migrate`."""
