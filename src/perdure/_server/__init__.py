"""The orchestrator as a server: its HTTP API, under `/api`, and its background services."""
