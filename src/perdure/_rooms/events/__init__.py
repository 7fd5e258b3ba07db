"""Events, and the hooks that are notified of them."""
