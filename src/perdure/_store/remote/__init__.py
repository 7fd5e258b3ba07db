"""The orchestrator on a server: transport, and the spool for when it is away."""
