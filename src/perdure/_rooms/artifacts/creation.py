"""Making an artifact's record, and the kinds that need no more than text."""

import json
import re
from typing import Any
from urllib.parse import urlsplit

from perdure._model.awaited import AwaitableText
from perdure._model.errors import ArtifactError
from perdure._model.records import ArtifactChangeRecord, ArtifactKind, ArtifactRecord
from perdure._platform import providers
from perdure._platform.clock import system_clock
from perdure._platform.ids import new_id
from perdure._run.context import TaskRunContext, current_run
from perdure._run.log_reporting import run_log

MOST = 2**20  # bytes of an artifact's data
_KEY = re.compile(r"[a-z0-9]+(-+[a-z0-9]+)*")
_LONGEST_KEY = 1_000  # characters
_WITHOUT_HOST = ("mailto", "file", "")  # no scheme: a place that only its readers know
_HARMFUL = ("javascript", "data", "vbscript", "blob", "about")  # browsers run or show these as a page of ours
_CONTROLS = re.compile(r"[\x00-\x20\x7f-\x9f]")


class ArtifactId(AwaitableText):
    """The id of an artifact. To await it gives it at once, so that it may be awaited or not."""

    __slots__ = ()


def create_markdown_artifact(markdown: str, key: str | None = None, description: str | None = None) -> ArtifactId:
    """Keep a text in Markdown with the current run; its id. Of a key there may be a version from each run.

    Of a text that takes more than a MiB, the beginning is kept, and a line that says how long it was; so does the run's
    log.

    Raises:
        ArtifactError: it is no text, or the key is malformed.
    """
    _check_text("markdown", markdown)
    text = fitting(markdown, MOST - 1_000)
    if len(text) < len(markdown):
        said = f"The first {len(text):,} of {len(markdown):,} characters, since no more than a MiB is kept with a run."
        run_log("artifacts").warning("Of the text %s, this is kept: %s", "of an artifact" if key is None else key, said)
        text = f"{text}\n\n---\n\n*{said}*\n"
    return keep("markdown", {"markdown": text}, key, description)


def create_link_artifact(
    url: str | None = None,
    text: str | None = None,
    key: str | None = None,
    description: str | None = None,
    *,
    link: str | None = None,
    link_text: str | None = None,
) -> ArtifactId:
    """Keep a link with the current run, shown as `text` if that is given; its id.

    `link` and `link_text` are other names of `url` and `text`.

    Raises:
        ArtifactError: it is no address, or code or data instead of one; or the key is malformed.
        TypeError: the link is given by both names.
    """
    if url is not None and link is not None:
        raise TypeError("create_link_artifact takes the link as its first argument, or by the name `link`: give one.")
    address = checked_url(link if url is None else url)
    return keep("link", {"url": address, "text": link_text if text is None else text}, key, description)


def keep(kind: ArtifactKind, data: dict[str, object], key: str | None, description: str | None) -> ArtifactId:
    """Report an artifact of the current run, or of none."""
    if key is not None and (not isinstance(key, str) or not _KEY.fullmatch(key) or len(key) > _LONGEST_KEY):
        raise ArtifactError(
            f"{key!r} cannot be an artifact's key. Use lower-case letters, digits and dashes, at most {_LONGEST_KEY:,}."
        )
    if description is not None:
        _check_text("description", description)
    text = json.dumps(data, ensure_ascii=False)
    size = len(text.encode(errors="replace"))
    if size > MOST:
        raise ArtifactError(
            f"This {kind} artifact takes {size:,} bytes, and at most {MOST:,} are kept with a run. Return the value"
            " and persist it as a result, or make the artifact smaller."
        )
    run, now = current_run.get(), system_clock()
    flow_run_id = None if run is None or run.flow is None else run.flow.id
    task_run_id = run.id if isinstance(run, TaskRunContext) else None
    record = ArtifactRecord(new_id(), key, kind, flow_run_id, task_run_id, now, now, text, description)
    report(record)
    return ArtifactId(record.id)


def fitting(text: str, room: int) -> str:
    """The beginning of a text that takes no more bytes as JSON than there is room: all of it, if it is that small."""
    while (size := len(json.dumps(text, ensure_ascii=False).encode(errors="replace"))) > room:
        text = text[: int(len(text) * room / size * 0.99)]
    return text


def report(record: ArtifactRecord | ArtifactChangeRecord) -> None:
    """Report an artifact to this process's orchestrator."""
    known: Any = providers.orchestrator()
    known.report((record,))


def checked_url(url: str | None) -> str:
    """The address, if people may be led to it. One without a scheme, such as `/reports/1`, the page shows as text.

    Raises:
        ArtifactError: it has a scheme and no host, is code or data instead of a place, or holds blanks or control
            characters.
    """
    scheme, place = _parts(url)
    if scheme in _HARMFUL or not place:
        raise ArtifactError(
            f"{url!r} is no link that is kept. Give an address: https://…, s3://…, mailto:… or the like."
        )
    return str(url)


def checked_page(url: str) -> str:
    """The address, if a browser may load it into the page.

    Raises:
        ArtifactError: it is no http or https address, or holds blanks or control characters.
    """
    if _parts(url)[0] not in ("http", "https"):
        raise ArtifactError(f"{url!r} is no link that is kept. Give a whole address: http://… or https://….")
    return checked_url(url)


def _parts(url: str | None) -> tuple[str, str]:
    """The scheme of an address, in small letters, and where it leads; empty of what is no address."""
    try:
        parts = urlsplit(url or "")
        if _CONTROLS.search(url or ""):
            return "", ""
    except (ValueError, AttributeError, TypeError):
        return "", ""
    scheme = parts.scheme.lower()
    return scheme, parts.netloc or (parts.path if scheme in _WITHOUT_HOST else "")


def _check_text(name: str, text: object) -> None:
    if not isinstance(text, str):
        raise ArtifactError(f"{name}={text!r:.100} is a {type(text).__name__}. Give it text.")
