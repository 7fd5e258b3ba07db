"""Tokens: who may use a server."""
