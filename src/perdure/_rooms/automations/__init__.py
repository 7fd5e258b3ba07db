"""Automations: what is done when an event comes, or does not come in time."""
