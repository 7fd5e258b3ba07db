"""Above the session: the decorators, and what submits, maps and controls calls."""
