"""Addresses that a server cannot listen on."""

import errno
import os
import socket

import pytest

from perdure._http.config import ServerConfig
from perdure._server.running import bound
from perdure.errors import SettingError


def test_a_port_in_use_is_named_with_its_remedy() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(SettingError) as refused:
            bound(ServerConfig(host="127.0.0.1", port=port))

    assert str(refused.value) == (
        f"Port {port} of 127.0.0.1 is in use. "
        f"Choose another with --port, or open http://127.0.0.1:{port} if that is a server of yours."
    )


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])  # of documents, and of no machine
def test_an_address_that_this_machine_has_not_is_named(host: str) -> None:
    with pytest.raises(SettingError, match=f"^{host} is no address of this machine. Give one with --host"):
        bound(ServerConfig(host=host, port=0))


def test_a_port_that_only_administrators_may_take_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> socket.socket:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(socket, "create_server", refuse)

    with pytest.raises(SettingError, match="may not listen on port 80 of 127.0.0.1. Choose one from 1024 on"):
        bound(ServerConfig(host="127.0.0.1", port=80))
