"""One run in this process: its context, its effects, the handles on it, and whoever reaches it from outside."""
