"""What is sent of an event to people, by Apprise; and the secrets of the hook that it is sent by."""

import json
from urllib.parse import urlsplit

from perdure._blocks.secrets import WrongKeyError, decrypt
from perdure._model.errors import BlockError
from perdure._rooms.events.port import OF_STATES, Event, Hook

SECONDS = 10.0  # that an attempt to deliver may take, from connecting to the status


class NotDelivered(Exception):
    """It was not; why."""


def notify(hook: Hook, event: Event, delivery_id: str, _: int) -> str:
    """Send an event by Apprise.

    Raises:
        NotDelivered: it could not.
    """
    try:
        import apprise
    except ImportError:
        raise NotDelivered("The server has no package apprise. Install perdure[notifications].") from None
    title, body = _message(event, delivery_id)
    sender = apprise.Apprise()
    if not sender.add(revealed(hook.url, hook_context(hook.id, "url"))):
        raise NotDelivered("Apprise does not know such a URL.")
    if not sender.notify(title=title, body=body):
        raise NotDelivered("Apprise could not send it; its log has the reason.")
    return "sent"


def _message(event: Event, delivery_id: str) -> tuple[str, str]:
    """What people are notified of: a title and a text."""
    content = json.loads(event.payload)
    run, state, payload = content["run"], content["state"], content.get("payload") or {}
    end = f"{content['time']}, delivery {delivery_id}"
    if not event.kind.startswith(OF_STATES):  # a program's, or an automation's, which says both
        title = payload.get("subject") or f"{event.kind}: {next(iter(content['resource'].values()), '')}"
        body = payload.get("body") if "body" in payload else json.dumps(payload, ensure_ascii=False)
        return str(title), f"{body}\n{end}"
    what = "Task run" if event.kind.startswith("task") else "Flow run"
    title = f"{what} {run['name']!r} of {run['task_name'] or run['flow_name']!r}: {event.kind.partition('.')[2]}"
    return title, f"{state['name']}: {state['message'] or ''}\n{run['id']}, {end}"


def shown_url(url: str) -> str:
    """A URL for people: without users, passwords and queries; of paths, which often hold tokens, the beginning."""
    parts = urlsplit(url)
    path = parts.path if len(parts.path) <= 8 else parts.path[:8] + "…"
    return f"{parts.scheme}://{parts.hostname or ''}{'' if parts.port is None else f':{parts.port}'}{path}"


def hook_context(id: str, field: str) -> str:
    """What a hook's secret is bound to."""
    return f"hook {id} {field}"


def revealed(secret: str, context: str) -> str:
    """A secret of a hook.

    Raises:
        NotDelivered: the server's key is not the one with which it was encrypted.
    """
    try:
        return decrypt(secret, context).decode()
    except (WrongKeyError, BlockError):
        raise NotDelivered("The server's PERDURE_SECRETS_KEY is not the one with which the hook was created.") from None
