"""Values of Perdure's own classes that may lie in results, arguments, exceptions and settings."""

import base64
import inspect
import io
import pickle
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from perdure import State, allow_failure, quote, states, unmapped
from perdure._engine.identity.hashing import digest_of_values
from perdure._model import errors, records
from perdure._model.generator_outcomes import GeneratedItems
from perdure._rooms.runs.records import RunFilter
from perdure.blocks import notifications, system
from perdure.blocks.webhook import Webhook
from perdure.cache_policies import DEFAULT, INPUTS, NO_CACHE
from perdure.client.schemas import filters
from perdure.errors import CrashedRun, FailedRun, ResultCorrupt, ResultMissing
from perdure.filesystems import GCS, S3, LocalFileSystem, RemoteFileSystem
from perdure.input import RunInput
from perdure.results import LiteralResult, PersistedResultBlob, Retention, UnpersistedResult
from perdure.serializers import CompressedSerializer, JSONSerializer, PickleSerializer
from perdure.states import StateType
from perdure.task_runners import SequentialTaskRunner, ThreadTaskRunner

ID = UUID("01234567-89ab-7def-8123-456789abcdef")
WHEN = datetime(2024, 1, 2, 3, 4, 5, 6, tzinfo=UTC)


class Approval(RunInput):
    """A form."""

    reason: str


def _caused() -> ResultCorrupt:
    error = ResultCorrupt("torn")
    error.__cause__ = ResultMissing("gone")
    error.add_note("a note")
    return error


VALUES: dict[str, Any] = {
    **{f"state {kind}": State(type=kind, name=None, message="m") for kind in StateType},
    "state type": StateType.RUNNING,
    "state of a constructor": states.Completed(message="done", data=1),
    "failed state": states.Failed(message="no", data=ValueError("x")),
    "unpersisted result": UnpersistedResult([1, 2]),
    "literal result": LiteralResult(True),
    "literal id": LiteralResult(ID),
    "generated items": GeneratedItems([1, 2], returned="end"),
    "quote": quote([1]),
    "unmapped": unmapped([1]),
    "allow_failure": allow_failure([1]),
    "policy default": DEFAULT,
    "policy inputs": INPUTS,
    "policy less": INPUTS - "debug",
    "policy none": NO_CACHE,
    "retention": Retention.of(timedelta(days=30)),
    "local": LocalFileSystem(basepath="/data"),
    "s3": S3(bucket_path="b/p", region="eu-west-1"),
    "gcs": GCS(bucket_path="b/p"),
    "remote": RemoteFileSystem(basepath="memory://p"),
    "secret": system.Secret(value="s"),
    "json block": system.JSON(value={"a": [1]}),
    "string block": system.String(value="t"),
    "time block": system.DateTime(value=WHEN),
    "slack": notifications.SlackWebhook(url="https://example.com/hook"),
    "webhook": Webhook(url="https://example.com/hook"),
    "form": Approval(reason="late"),
    "serializer pickle": PickleSerializer(),
    "serializer json": JSONSerializer(),
    "serializer compressed": CompressedSerializer(serializer=JSONSerializer()),
    "filter": filters.FlowRunFilter(state={"type": {"any_": ["RUNNING"]}}),
    "runner sequential": SequentialTaskRunner(),
    "class of a runner": ThreadTaskRunner,
    "flow run": records.FlowRunRecord(*[None] * len(records.FlowRunRecord._fields)),
    "run filter": RunFilter(),
    "blob class": PersistedResultBlob,
    "error with a cause": _caused(),
    "errors in a group": ExceptionGroup("several", [FailedRun("a"), CrashedRun("b")]),
    "state within a list": [{"state": states.Cancelled(message="c")}, timedelta(1)],
}
for _name, _kind in vars(errors).items():
    if inspect.isclass(_kind) and issubclass(_kind, BaseException) and _kind.__module__.startswith("perdure."):
        try:
            VALUES[f"error {_name}"] = _kind("what happened")
        except TypeError:
            VALUES[f"error class {_name}"] = _kind


def _plain(text: str) -> Any:
    return pickle.load(io.BytesIO(base64.b64decode(text)))


WRITERS: dict[str, Callable[[Any], str]] = {
    "pickle": lambda value: base64.b64encode(pickle.dumps(value, 5)).decode(),
    "perdure pickle": lambda value: PickleSerializer().dumps(value).decode(),
    "perdure json": lambda value: JSONSerializer().dumps(value).decode(),
}
READERS: dict[str, Callable[[str], Any]] = {
    "pickle": _plain,
    "perdure pickle": lambda text: PickleSerializer().loads(text.encode()),
    "perdure json": lambda text: JSONSerializer().loads(text.encode()),
}
WRITERS["digest"] = WRITERS["pickle"]  # of what a pickle gives, so that times and ids are the same
READERS["digest"] = lambda text: digest_of_values(_plain(text))


def seen(value: Any) -> Any:
    """What can be seen of a value, in plain terms that do not say in which module its class is."""
    kind = type(value)
    if isinstance(value, type):
        return value.__qualname__
    if isinstance(value, BaseExceptionGroup):
        return kind.__name__, value.message, [seen(each) for each in value.exceptions]
    if isinstance(value, BaseException):
        notes = getattr(value, "__notes__", [])
        return kind.__name__, str(value), notes, seen(value.__cause__) if value.__cause__ else None
    if isinstance(value, State):
        return kind.__name__, value.type.value, value.name, value.message, seen(value.data)
    if isinstance(value, BaseModel):
        return kind.__name__, repr(sorted(value.model_dump(mode="json").items()))
    if isinstance(value, dict):
        return {key: seen(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return kind.__name__, [seen(each) for each in value], getattr(value, "returned", None)
    if hasattr(value, "__dict__") or hasattr(kind, "__slots__"):
        held = object.__getstate__(value)
        parts = held if isinstance(held, tuple) else (held,)
        fields = {key: each for part in parts if part for key, each in part.items()}
        return kind.__name__, sorted((key, repr(seen(each))) for key, each in fields.items() if not callable(each))
    return repr(value)
