"""What tells calls, values and code from others: identities, digests, cache keys."""
