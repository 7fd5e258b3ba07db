"""Where submitted tasks run: threads, processes, event loops."""
