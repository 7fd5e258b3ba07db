"""Saved views: lists of the page under names, with their filters."""
