"""What runs in many processes share: claims of cache keys, limits, transactions."""
