"""Storages: bytes by key."""
