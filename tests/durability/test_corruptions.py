"""Ten thousand random corruptions of stored results: each is named by its error, none is executed or given out."""

import asyncio
import base64
import json
import pickle
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest

from perdure import settings
from perdure._results.document import digest_of, encode
from perdure._results.store import description_of, write_result
from perdure.errors import ResultCorrupt, ResultMissing, ResultUnreadable, ResultUntrusted
from perdure.filesystems import LocalFileSystem
from perdure.results import PersistedResult
from perdure.serializers import new_key, resolve

COUNT = 10_000
SERIALIZERS = ("json", "pickle", "compressed/pickle", "encrypted/pickle", "numpy", "arrow")
NAMED = (ResultMissing, ResultCorrupt, ResultUnreadable, ResultUntrusted)
executed: list[str] = []


def execute(what: str) -> str:
    executed.append(what)
    return what


class Malicious:
    def __reduce__(self) -> Any:
        return execute, ("a malicious pickle",)


class Specimen(NamedTuple):
    name: str
    result: PersistedResult[Any]
    files: tuple[Path, ...]  # the document, and the payload if there is one
    contents: tuple[bytes, ...]
    signed: bool

    @property
    def has_parts(self) -> bool:
        return "numpy" in self.name or "arrow" in self.name

    def is_whole(self) -> bool:
        return all(file.read_bytes() == content for file, content in zip(self.files, self.contents, strict=True))

    def restore(self) -> None:
        for file, content in zip(self.files, self.contents, strict=True):
            file.write_bytes(content)


def use(monkeypatch: pytest.MonkeyPatch, **values: str | None) -> None:
    for name, value in values.items():
        variable = f"PERDURE_{name.upper()}"
        monkeypatch.delenv(variable, raising=False)
        if value is not None:
            monkeypatch.setenv(variable, value)
    settings.reload()


def value_for(serializer: str, large: bool, turn: int) -> Any:
    length = 40_000 if large else 20
    if serializer == "numpy":
        return np.arange(length, dtype=np.float64) + turn
    if serializer == "arrow":
        return pd.DataFrame({"n": np.arange(length) + turn, "text": ["x"] * length})
    return {"numbers": list(range(turn, turn + length)), "name": "a name"}


class Laboratory:
    """Specimens of every kind, two of each, and the keys that they were made with."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.monkeypatch = monkeypatch
        self.signing = new_key("first")
        self.encryption = new_key("secret")
        self.storage = LocalFileSystem(basepath=folder)
        self.pairs: list[tuple[Specimen, Specimen]] = []
        for signed in (False, True):
            self.keys(signed)
            for name in SERIALIZERS:
                for large in (False, True):
                    one, other = (self._specimen(name, large, signed, turn) for turn in (0, 1))
                    self.pairs.append((one, other))

    def keys(self, signed: bool) -> None:
        ring = self.signing if signed else None
        use(self.monkeypatch, results_signing_keys=ring, results_encryption_keys=self.encryption)

    def _specimen(self, name: str, large: bool, signed: bool, turn: int) -> Specimen:
        value = value_for(name, large, turn)
        result = write_result(value, None, self.storage, resolve(name, name), "an id", keep=False)
        layout = result.read().payload
        assert (layout is not None) == large
        keys = (result.storage_key, *(() if layout is None else (layout.key,)))
        files = tuple(Path(self.storage.describe(key)) for key in keys)
        title = f"{'large' if large else 'small'} {name}{', signed' if signed else ''}"
        return Specimen(title, result, files, tuple(file.read_bytes() for file in files), signed)


def flip_a_bit(one: Specimen, _: Specimen, chance: random.Random, __: Laboratory) -> None:
    index = chance.randrange(len(one.files))
    data = bytearray(one.contents[index])
    # What an unsigned reader does not look at is the signature, which the unsigned do not have.
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    one.files[index].write_bytes(data)


def cut_off(one: Specimen, _: Specimen, chance: random.Random, __: Laboratory) -> None:
    index = chance.randrange(len(one.files))
    one.files[index].write_bytes(one.contents[index][: chance.randrange(len(one.contents[index]))])


def overwrite_a_block(one: Specimen, _: Specimen, chance: random.Random, __: Laboratory) -> None:
    index = chance.randrange(len(one.files))
    data = bytearray(one.contents[index])
    start = chance.randrange(len(data))
    data[start : start + 512] = b"\xa5" * len(data[start : start + 512])
    one.files[index].write_bytes(data)


def append(one: Specimen, _: Specimen, chance: random.Random, __: Laboratory) -> None:
    index = chance.randrange(len(one.files))
    one.files[index].write_bytes(one.contents[index] + chance.randbytes(chance.randrange(1, 100)))


def delete(one: Specimen, _: Specimen, chance: random.Random, __: Laboratory) -> None:
    chance.choice(one.files).unlink()


def swap_documents(one: Specimen, other: Specimen, _: random.Random, __: Laboratory) -> None:
    one.files[0].write_bytes(other.contents[0])


def swap_the_last_files(one: Specimen, other: Specimen, _: random.Random, __: Laboratory) -> None:
    one.files[-1].write_bytes(other.contents[-1])


def lose_the_keys(one: Specimen, _: Specimen, __: random.Random, laboratory: Laboratory) -> None:
    if one.signed:
        use(laboratory.monkeypatch, results_signing_keys=new_key("another"))
    elif "encrypted" in one.name:
        use(laboratory.monkeypatch, results_encryption_keys=new_key("another"))
    else:
        one.files[0].unlink()


def forge(one: Specimen, _: Specimen, chance: random.Random, laboratory: Laboratory) -> None:
    """A document of the forger's own, right in every way but for the key, which the forger does not have."""
    data = base64.b64encode(pickle.dumps(Malicious()))
    forged = encode(description_of(resolve("pickle", "pickle")), data, digest_of(data), "builtins.dict")
    if one.signed:
        made_up = json.dumps({"signature": f"first:{chance.randbytes(32).hex()}"}).encode()[1:]
        forged = chance.choice([forged, forged[:-1] + b", " + made_up])
    else:  # the reader's list of classes is all that stands against it
        use(laboratory.monkeypatch, results_allowed_classes="pandas.*, numpy.*")
    one.files[0].write_bytes(forged)


def forge_a_pickle(one: Specimen, _: Specimen, __: random.Random, laboratory: Laboratory) -> None:
    """The forger knows the digests, too: only the last file is replaced, and the document made to fit."""
    use(laboratory.monkeypatch, results_allowed_classes="pandas.*, numpy.*")
    data = base64.b64encode(pickle.dumps({"a": [Malicious()]}))
    one.files[0].write_bytes(encode(description_of(resolve("pickle", "pickle")), data, digest_of(data), None))


READS: tuple[Callable[[Specimen], Any], ...] = (
    *(lambda one: one.result.get(), lambda one: asyncio.run(one.result.aget()), lambda one: one.result.get_own()),
    lambda one: one.result.get(rows=slice(0, 40_000)) if one.has_parts else one.result.get(),
)
Corruption = Callable[[Specimen, Specimen, random.Random, Laboratory], None]
CORRUPTIONS: tuple[Corruption, ...] = (
    *(flip_a_bit, cut_off, overwrite_a_block, append, delete, swap_documents, swap_the_last_files),
    *(lose_the_keys, forge, forge_a_pickle),
)


@pytest.fixture
def laboratory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Laboratory]:
    yield Laboratory(tmp_path / "storage", monkeypatch)
    executed.clear()


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])  # one for each worker
def test_every_corruption_is_named_and_none_is_executed_or_given_out(laboratory: Laboratory, seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(COUNT // 2):
        one, other = chance.choice(laboratory.pairs)[:: chance.choice((1, -1))]
        corrupt = chance.choice(CORRUPTIONS)
        laboratory.keys(one.signed)
        digest = one.result.digest
        if corrupt in (forge, forge_a_pickle):
            one.result.digest = None  # as of a handle from elsewhere: the database's digest does not help
        corrupt(one, other, chance, laboratory)
        if corrupt is overwrite_a_block and one.is_whole():  # with what had been there
            continue
        read = chance.choice(READS)
        try:
            given = read(one)
        except NAMED as error:
            named = str(error)
        else:
            named = f"gave {given!r:.200}"
        finally:
            one.restore()
            one.result.digest = digest
            use(laboratory.monkeypatch, results_allowed_classes=None)
        assert any(str(file) in named for file in one.files), (one.name, corrupt.__name__, named)
        assert executed == [], (one.name, corrupt.__name__)


def test_whole_specimens_are_given_out(laboratory: Laboratory) -> None:
    for one, _ in laboratory.pairs:
        laboratory.keys(one.signed)
        one.result.get()


def test_the_malicious_pickle_works_where_nothing_forbids_it(laboratory: Laboratory) -> None:
    one = laboratory.pairs[0][0]
    laboratory.keys(one.signed)
    forge_a_pickle(one, one, random.Random(1), laboratory)
    use(laboratory.monkeypatch, results_allowed_classes=None)
    one.result.digest = None
    assert one.result.get() == {"a": ["a malicious pickle"]}
    assert executed == ["a malicious pickle"]
