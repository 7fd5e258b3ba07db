"""Records of results."""
