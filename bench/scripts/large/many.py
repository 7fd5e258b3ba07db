"""100,000 results of 1 KiB to disk: bare files, and persisted results."""

import os

from duel import FOLDER, on_disk, persist, show, timed

COUNT = 100_000
value = os.urandom(700)  # with base64 and its header, a document of about 1 KiB
data = os.urandom(1024)


def theirs() -> None:
    folder = FOLDER / "many"
    folder.mkdir()
    for _ in range(COUNT):
        descriptor = os.open(folder / os.urandom(16).hex(), os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        os.write(descriptor, data)
        os.close(descriptor)


def ours() -> None:
    storage = on_disk()
    for _ in range(COUNT):
        persist(value, storage, sync=False)


show(many=(timed(theirs), timed(ours)))
