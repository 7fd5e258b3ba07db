"""Cancelling, pausing and resuming runs from outside."""
