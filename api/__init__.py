"""The public surface of Perdure: what it is, its pages in the documentation, and whether a change breaks it."""
