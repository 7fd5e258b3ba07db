"""Blocks: typed configurations, their secrets, and where they are saved."""
