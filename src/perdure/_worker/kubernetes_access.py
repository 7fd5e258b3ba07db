"""Where a Kubernetes cluster is, and as whom it is spoken to: from a kubeconfig, or from within a pod of it."""

import base64
import json
import os
import ssl
import subprocess
import tempfile
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from perdure._model.errors import WorkerError

_OF_POD = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_EARLY = 60.0  # seconds before a token ends in which another one is asked for
_REREAD = 60.0  # seconds: files of tokens are replaced while they are in use
_TIMEOUT = httpx.Timeout(30.0, connect=10.0)


@dataclass(frozen=True)
class Access:
    """A cluster, and who speaks to it."""

    client: httpx.Client
    namespace: str


class _Token(httpx.Auth):
    """A token that is asked for again when it ends, or is refused."""

    def __init__(self, ask: Callable[[], tuple[str, float]]) -> None:
        self._ask = ask
        self._token, self._until = "", float("-inf")

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        if time.time() > self._until:
            self._token, self._until = self._ask()
        request.headers["Authorization"] = f"Bearer {self._token}"
        response = yield request
        if response.status_code == httpx.codes.UNAUTHORIZED:
            self._token, self._until = self._ask()
            request.headers["Authorization"] = f"Bearer {self._token}"
            yield request


def access(kubeconfig: str | Path | None = None) -> Access:
    """How a cluster is reached: by a kubeconfig, by that of KUBECONFIG or ~/.kube/config, or as the pod that this is.

    Raises:
        WorkerError: there is none, or it cannot be used; says why.
    """
    given = kubeconfig or os.environ.get("KUBECONFIG")
    if given is None and "KUBERNETES_SERVICE_HOST" in os.environ and (_OF_POD / "token").exists():
        return _of_pod()
    path = Path(str(given).partition(os.pathsep)[0]).expanduser() if given else Path.home() / ".kube" / "config"
    try:
        config = _parsed(path.read_text("utf-8"))
    except OSError as error:
        raise WorkerError(
            f"There is no Kubernetes cluster to be reached: {error}. Set KUBECONFIG, or start the worker in a pod."
        ) from None
    try:
        return _of_config(config, path.parent)
    except (KeyError, TypeError, ValueError, OSError, StopIteration) as error:
        raise WorkerError(f"The kubeconfig {path} cannot be used: {type(error).__name__} {error}.") from error


def _parsed(text: str) -> Mapping[str, Any]:
    try:
        found: Mapping[str, Any] = json.loads(text)
    except ValueError:
        try:
            import yaml
        except ImportError:
            raise WorkerError("Reading a kubeconfig needs PyYAML: pip install 'perdure[kubernetes]'.") from None
        found = yaml.safe_load(text) or {}
    return found


def _of_pod() -> Access:
    host, port = os.environ["KUBERNETES_SERVICE_HOST"], os.environ.get("KUBERNETES_SERVICE_PORT", "443")
    shown = f"[{host}]" if ":" in host else host
    token = _Token(lambda: ((_OF_POD / "token").read_text("utf-8").strip(), time.time() + _REREAD))
    verify = ssl.create_default_context(cafile=str(_OF_POD / "ca.crt"))
    client = httpx.Client(base_url=f"https://{shown}:{port}", auth=token, verify=verify, timeout=_TIMEOUT)
    return Access(client, (_OF_POD / "namespace").read_text("utf-8").strip())


def _of_config(config: Mapping[str, Any], folder: Path) -> Access:
    chosen = _named(config["contexts"], config["current-context"])["context"]
    cluster = _named(config["clusters"], chosen["cluster"])["cluster"]
    user = _named(config.get("users") or [], chosen["user"])["user"] if chosen.get("user") else {}
    if "auth-provider" in user:
        raise ValueError("auth-provider is not supported: use exec, a token or a certificate")
    verify: ssl.SSLContext | bool = False
    if not cluster.get("insecure-skip-tls-verify"):
        authority = _content(cluster, "certificate-authority", folder)
        verify = ssl.create_default_context(cadata=None if authority is None else authority.decode())
        certificate, key = _content(user, "client-certificate", folder), _content(user, "client-key", folder)
        if certificate is not None and key is not None:
            _load(verify, certificate, key)
    return Access(
        httpx.Client(base_url=cluster["server"], auth=_auth(user, folder, verify), verify=verify, timeout=_TIMEOUT),
        chosen.get("namespace", "default"),
    )


def _named(entries: list[Mapping[str, object]], name: str) -> Mapping[str, Any]:
    for each in entries:
        if each["name"] == name:
            return each
    raise ValueError(f"it has nothing of the name {name!r}")


def _content(entry: Mapping[str, Any], name: str, folder: Path) -> bytes | None:
    if f"{name}-data" in entry:
        return base64.b64decode(entry[f"{name}-data"])
    return (folder / entry[name]).read_bytes() if name in entry else None


def _load(context: ssl.SSLContext, certificate: bytes, key: bytes) -> None:
    with tempfile.TemporaryDirectory() as own:  # only files can be loaded
        paths = [Path(own, name) for name in ("certificate", "key")]
        for path, content in zip(paths, (certificate, key), strict=True):
            path.touch(mode=0o600)
            path.write_bytes(content)
        context.load_cert_chain(str(paths[0]), str(paths[1]))


def _auth(user: Mapping[str, Any], folder: Path, verify: ssl.SSLContext | bool) -> httpx.Auth | None:
    if "exec" in user:
        return _Token(lambda: _by_program(user["exec"], folder, verify))
    if "tokenFile" in user:
        path = folder / user["tokenFile"]
        return _Token(lambda: (path.read_text("utf-8").strip(), time.time() + _REREAD))
    if "token" in user:
        return _Token(lambda: (user["token"], float("inf")))
    if "username" in user:
        return httpx.BasicAuth(user["username"], user["password"])
    return None


def _by_program(how: Mapping[str, Any], folder: Path, verify: ssl.SSLContext | bool) -> tuple[str, float]:
    """A token by a program, as cloud providers have them; it may give a certificate instead."""
    environment = {each["name"]: each["value"] for each in how.get("env") or []}
    request = {"apiVersion": how["apiVersion"], "kind": "ExecCredential", "spec": {"interactive": False}}
    command = [how["command"], *(how.get("args") or [])]
    try:
        ended = subprocess.run(
            command,
            env={**os.environ, **environment, "KUBERNETES_EXEC_INFO": json.dumps(request)},
            cwd=folder,
            capture_output=True,
            check=False,
            timeout=60,
        )
        if ended.returncode:
            said = ended.stderr.decode("utf-8", "replace").strip()
            raise ValueError(said[-500:])  # noqa: TRY301
        status = json.loads(ended.stdout)["status"]
        if "clientCertificateData" in status and isinstance(verify, ssl.SSLContext):
            _load(verify, status["clientCertificateData"].encode(), status["clientKeyData"].encode())
    except (OSError, subprocess.TimeoutExpired, ValueError, KeyError) as error:
        raise WorkerError(f"The kubeconfig's program {command[0]!r} gave no credentials: {error}") from error
    ends = status.get("expirationTimestamp")
    until = float("inf") if ends is None else datetime.fromisoformat(ends).timestamp() - _EARLY
    return status.get("token", ""), until
