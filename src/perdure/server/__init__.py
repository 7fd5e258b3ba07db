"""The orchestrator as a service: its HTTP API, under `/api`, and what goes on beside it."""
