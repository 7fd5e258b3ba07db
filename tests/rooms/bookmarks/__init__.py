"""A room from outside of the package: the web pages that flows' users want to find again."""
