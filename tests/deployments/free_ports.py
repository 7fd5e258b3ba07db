"""Ports that programs can be given to listen on, which cannot listen on whichever port is free."""

import random
import socket


def free_port() -> int:
    """A port that is free now, below those that the system gives to others by itself."""
    while True:
        port = random.randrange(10_000, 30_000)
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        return port
