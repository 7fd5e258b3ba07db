"""Serializers: Python objects to bytes and back."""
