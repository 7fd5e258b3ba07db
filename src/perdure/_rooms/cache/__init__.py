"""Cache entries."""
