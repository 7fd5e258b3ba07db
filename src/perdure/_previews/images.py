"""Images and figures: their size, and a thumbnail."""

import base64
import io
import pickle
import struct
import zlib
from typing import TYPE_CHECKING, Any

from perdure._previews.types import attribute, is_any, is_of, loaded, name_of

if TYPE_CHECKING:  # what a program uses, it has imported itself
    from matplotlib.figure import Figure
    from PIL.Image import Image

_SIDE = 160  # pixels of a thumbnail's longer side
_ROOM = 18_000  # bytes of a thumbnail, so that its text takes less than 24 KiB
_FIGURE = 2 * 2**20  # bytes of a figure that is drawn: a larger one would take too long
_COLOURS = 96  # where all would take too much room


def image(value: Any, kind: type) -> dict[str, object] | None:
    """What may be shown of an image of Pillow's or a figure of Matplotlib's; None for all others."""
    if is_of(kind, "PIL") and is_any(kind, "PIL.Image", "Image"):
        return _pillow(value, kind)
    if is_of(kind, "matplotlib") and is_any(kind, "matplotlib.figure", "Figure"):
        return _figure(value, kind)
    return None


def _pillow(value: "Image", kind: type) -> dict[str, object]:
    width, height = value.size
    shown = {"kind": "image", "type": name_of(kind), "width": width, "height": height, "mode": value.mode}
    if not width * height or not _is_read(value):
        return shown
    return _with_thumbnail(shown, value)


def _is_read(image: object) -> bool:
    """Whether an image is in memory: one that was opened and not used yet would be read from its file."""
    try:
        return attribute(image, "_im") is not None
    except AttributeError:
        return False


def _with_thumbnail(shown: dict[str, object], image: "Image") -> dict[str, object]:
    for side, is_reduced in ((_SIDE, False), (_SIDE, True), (96, True), (48, True)):
        png = _png(_small(image, side), is_reduced)
        if len(png) <= _ROOM:
            return shown | {"thumbnail": base64.b64encode(png).decode()}
    return shown


def _small(image: "Image", side: int) -> "Image":
    longer = max(image.size)
    if longer > 4 * side:  # every so many-th pixel first: a look at all of them takes as long as storing them
        image = image.resize(_scaled(image.size, 4 * side / longer), 0)
    image = image.convert("RGBA" if "A" in image.getbands() or "transparency" in image.info else "RGB")
    longer = max(image.size)
    return image if longer <= side else image.resize(_scaled(image.size, side / longer), 2)


def _scaled(size: tuple[int, int], factor: float) -> tuple[int, int]:
    return max(round(size[0] * factor), 1), max(round(size[1] * factor), 1)


def _png(image: "Image", is_reduced: bool) -> bytes:
    """A small RGB or RGBA image as a PNG file: Pillow's own writer would first import those of all other formats."""
    colour, palette, width = (6 if image.mode == "RGBA" else 2), b"", len(image.mode)
    if is_reduced:
        image = image.convert("RGB").quantize(_COLOURS)
        colour, palette, width = 3, _chunk(b"PLTE", bytes(image.getpalette() or ())), 1
    row = image.width * width
    pixels = image.tobytes()
    lines = b"".join(b"\0" + pixels[at : at + row] for at in range(0, len(pixels), row))
    header = struct.pack(">IIBBBBB", image.width, image.height, 8, colour, 0, 0, 0)
    data = _chunk(b"IDAT", zlib.compress(lines, 6))
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + palette + data + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


# Matplotlib


def _figure(figure: "Figure", kind: type) -> dict[str, object]:
    inches = [float(each) for each in figure.get_size_inches()]
    width, height = (round(each * figure.dpi) for each in inches)
    shown = {"kind": "image", "type": name_of(kind), "width": width, "height": height, "mode": "RGBA"}
    try:
        return _with_thumbnail(shown, _render(figure, 2 * _SIDE / max(*inches, 1e-6)))
    except Exception:  # it holds what cannot be copied or drawn
        return shown


def _render(figure: "Figure", dpi: float) -> "Image":
    """A drawing of a copy: to draw a figure changes it."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # part of a library that is in use already

    copy = _copied(figure)
    copy.set_dpi(dpi)
    canvas = FigureCanvasAgg(copy)
    canvas.draw()  # type: ignore[no-untyped-call]
    images = loaded("PIL.Image", "frombuffer")
    pixels = bytes(canvas.buffer_rgba())  # type: ignore[no-untyped-call]
    drawn: Image = images("RGBA", canvas.get_width_height(), pixels, "raw", "RGBA", 0, 1)
    return drawn


def _copied(figure: "Figure") -> "Figure":
    written = _Bounded()
    _FigurePickler(written, figure).dump(figure)
    copy: Figure = pickle.loads(written.getvalue())
    return copy


class _FigurePickler(pickle.Pickler):
    """Copies a figure without a trace in pyplot, which would show the copy as one more window."""

    def __init__(self, file: "_Bounded", figure: "Figure") -> None:
        super().__init__(file, pickle.HIGHEST_PROTOCOL)
        self._figure = figure

    def reducer_override(self, value: object) -> Any:
        if value is not self._figure:
            return NotImplemented
        state: Any = value.__getstate__()
        state.pop("_restore_to_pylab", None)
        return object.__new__, (type(value),), state


class _Bounded(io.BytesIO):
    def write(self, data: Any) -> int:
        if self.tell() + len(data) > _FIGURE:
            raise ValueError
        return super().write(data)
