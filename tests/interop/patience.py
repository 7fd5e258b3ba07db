"""Has Prefect wait for its own server, in the same process, as long as a busy machine takes; by itself it has 30 s."""

from typing import Any

from prefect.client import base

_SECONDS = 600


def wait_for_prefect() -> None:
    """From now on."""
    managed: Any = base.LifespanManager
    base.LifespanManager = lambda app, **_: managed(app, startup_timeout=_SECONDS, shutdown_timeout=_SECONDS)
