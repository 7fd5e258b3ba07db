"""How a server is run."""

from dataclasses import dataclass

DEFAULT_PORT = 4747


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerConfig:
    """What a server was told when it was started."""

    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
