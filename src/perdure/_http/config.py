"""How a server is run."""

from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

DEFAULT_PORT = 4747


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerConfig:
    """The options with which a server was started. Sizes are in bytes, times in seconds."""

    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    authenticated: bool = False  # whether tokens are required
    allowed_hosts: tuple[str, ...] = ()  # names, beside its own, that requests may be sent to
    allowed_origins: tuple[str, ...] = ()  # of pages, beside its own, such as https://flows.example.org
    public_metrics: bool = False
    traced: bool = False  # whether requests are OpenTelemetry's spans
    database: str | None = None  # that it was started with; None: the one of the settings
    runs_flows: bool = False  # whether it resumes and reruns flows, by processes on its machine
    storages: tuple[str, ...] = ()  # places, beside those of the settings, of results that it opens
    serve_values: bool = False  # whether the bytes of results may be had through it
    tls_cert: Path | None = None
    tls_key: Path | None = None
    workers: int = 1
    log_requests: bool = False
    log_format: str = "text"  # or "json"
    max_body: int = 64 * 1024**2
    max_decompressed: int = 64 * 1024**2  # of a body that came compressed
    max_elements: int = 500_000  # keys and values in JSON that a flow's process reports
    max_api_body: int = 1024**2  # of all other routes
    max_api_elements: int = 100_000
    max_public_body: int = 16 * 1024  # of a request without a token
    max_headers: int = 32 * 1024
    max_connections: int = 1_000  # a worker
    backlog: int = 512  # connections that wait to be accepted
    request_rate: float = 1_000  # requests a second of a token, or of an address
    trusted_proxies: tuple[str, ...] = ()  # addresses and networks whose X-Forwarded-For is believed
    failure_rate: float = 5  # wrong tokens a second of an address
    head_seconds: float = 10  # until a connection, or the next request on it, has sent its head
    request_seconds: float = 120  # until a request is answered
    shutdown_seconds: int = 20  # for the requests that are being answered
    session_seconds: int = 12 * 3_600

    @property
    def is_local(self) -> bool:
        """Whether only programs of this machine can reach it."""
        if self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def is_encrypted(self) -> bool:
        """Whether it speaks TLS."""
        return self.tls_cert is not None
