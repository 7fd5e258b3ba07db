"""Images: the bytes of a file, or an address where one is."""

import base64
import io
from pathlib import Path
from typing import Any

from perdure._model.errors import ArtifactError
from perdure._rooms.artifacts.creation import ArtifactId, checked_page, keep
from perdure._run.log_reporting import run_log

_MOST = 750 * 2**10  # bytes of an image's file, which as text are a MiB
_FORMS = {  # how files begin; SVG is left out, since it may hold scripts
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
    b"RIFF": "image/webp",
}


def create_image_artifact(
    image: object = None, key: str | None = None, description: str | None = None, *, image_url: str | None = None
) -> ArtifactId:
    """Keep an image of at most 750 KiB with the current run; its id.

    `image` is the bytes or the path of a PNG, JPEG, GIF or WebP file, an image of Pillow's or a figure of Matplotlib's,
    which become PNG files, or an http or https address, of which only the address is kept; `image_url` is another name
    of it. Of a larger image its kind and its size are kept, and the run's log says so.

    Raises:
        ArtifactError: it is no such image, its file cannot be read, or the key is malformed.
    """
    image = image_url if image is None else image
    if isinstance(image, str) and "://" in image:
        return keep("image", {"url": checked_page(image)}, key, description)
    data = _bytes_of(image)
    if len(data) <= _MOST:
        return keep("image", {"type": _form_of(data), "base64": base64.b64encode(data).decode()}, key, description)
    run_log("artifacts").warning(
        "The image %s takes %s bytes, and at most %s are kept with a run, so it is left out. Make it smaller, by"
        " image.thumbnail((800, 800)) or a lower dpi of the figure; or pass its address.",
        "of an artifact" if key is None else repr(key),
        f"{len(data):,}",
        f"{_MOST:,}",
    )
    return keep("image", {"type": _form_of(data), "size": len(data)}, key, description)


def _bytes_of(image: Any) -> bytes:
    if isinstance(image, bytes | bytearray | memoryview):
        return bytes(image)
    if isinstance(image, str | Path):
        try:
            with Path(image).open("rb") as file:
                return file.read()
        except OSError as error:
            raise ArtifactError(
                f"The image {str(image)!r} cannot be read: {error.strerror}. Give another path."
            ) from None
    written = io.BytesIO()
    if hasattr(image, "savefig"):  # Matplotlib
        image.savefig(written, format="png")
    elif hasattr(image, "getbands"):  # Pillow
        image.save(written, format="PNG")
    else:
        raise ArtifactError(
            f"A {type(image).__name__} is no image. Give bytes, a path, an address, an image of Pillow's or a figure of"
            " Matplotlib's."
        )
    return written.getvalue()


def _form_of(data: bytes) -> str:
    form = next((form for beginning, form in _FORMS.items() if data.startswith(beginning)), None)
    if form is None or (form == "image/webp" and data[8:12] != b"WEBP"):
        raise ArtifactError("The image's file is of no kind that is kept. Give a PNG, JPEG, GIF or WebP file.")
    return form
