"""Encryption: what those without the key, or with other intentions, can and cannot do."""

import base64
import io
import json
import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from perdure import settings
from perdure._serializers.encryption_streams import CHUNK
from perdure._serializers.payload import BytesSource
from perdure._serializers.text import from_base64
from perdure.errors import ResultCorrupt, ResultUnreadable, SerializationError
from perdure.serializers import CompressedSerializer, EncryptedSerializer, JSONSerializer, Serializer, new_key, resolve
from perdure.testing.serializer_conformance import MemoryPayload

OLD, NEW = new_key("old"), new_key("new")
TEXT = "a secret text " * 8
LARGE = random.Random(0).randbytes(2 * CHUNK + 1000)
GOLDEN_KEY = "golden:" + base64.b64encode(bytes(range(32))).decode()
GOLDEN = (
    b"iVBSRC1BRVMBBmdvbGRlbkRhVqqyYgSlm02c2uEECtqOIUgEnxvSBEtqPAqAjqEYEhcVJhD5uxotrYYs/H9n2YAWzvrgZ7z81iaIRMngqKcIPGHQ"
    b"eQyrP9BOBnA2OyQUyTsaMl09tnk6"
)


@pytest.fixture(autouse=True)
def key_in_the_settings() -> Iterator[None]:
    with settings.temporary_settings(results_encryption_keys=NEW):
        yield


def encrypted(value: Any = LARGE, serializer: Serializer | None = None) -> MemoryPayload:
    payload = MemoryPayload()
    assert (serializer or EncryptedSerializer()).dump(value, payload) is None
    return payload


def sealed(content: bytes) -> MemoryPayload:
    """A payload whose decrypted stream is the content."""
    payload = MemoryPayload()
    outlet = EncryptedSerializer()._outlet(payload)
    outlet.write(content)
    outlet.finish()
    return payload


def opened(payload: MemoryPayload) -> bytes:
    return bytes(EncryptedSerializer()._inlet(payload).view())


def chunks(payload: MemoryPayload, size: int) -> tuple[bytes, list[bytes]]:
    """The header, and the chunks with their tags."""
    count = -(-size // CHUNK)
    start = len(payload.stream) - size - count * 16
    return bytes(payload.stream[:start]), [
        bytes(payload.stream[at : at + CHUNK + 16]) for at in range(start, len(payload.stream), CHUNK + 16)
    ]


def payload_of(*parts: bytes) -> MemoryPayload:
    payload = MemoryPayload()
    payload.write(b"".join(parts))
    return payload


def test_nothing_of_the_value_can_be_seen() -> None:
    serializer = EncryptedSerializer(serializer="json")
    assert b"secret" not in from_base64(serializer.dumps(TEXT))
    assert b"secret" not in encrypted(TEXT * 2000, serializer).stream


def test_the_keys_are_in_no_description_and_no_repr() -> None:
    serializer = EncryptedSerializer(keys=OLD)
    for text in (json.dumps(serializer.describe()), repr(serializer), str(serializer), serializer.model_dump_json()):
        assert OLD.partition(":")[2] not in text
        assert "old" not in text


def test_a_wrong_ring_is_refused_and_not_shown() -> None:
    with pytest.raises(ValueError, match="has 4 bytes; a key must have at least 32") as caught:
        EncryptedSerializer(keys="short:aHVzaA==")
    assert "aHVzaA" not in str(caught.value)


def test_the_first_key_encrypts_and_all_decrypt() -> None:
    with settings.temporary_settings(results_encryption_keys=OLD):
        small, large = resolve("encrypted", "json").dumps(TEXT), encrypted()
    with settings.temporary_settings(results_encryption_keys=f"{NEW},{OLD}"):
        assert EncryptedSerializer().loads(small) == TEXT
        assert EncryptedSerializer().load(large) == LARGE
        assert b"\x03new" in from_base64(EncryptedSerializer().dumps(TEXT))


def test_a_serializer_reads_with_keys_that_another_one_was_given() -> None:
    written = EncryptedSerializer(keys=new_key("of-another")).dumps(TEXT)
    assert Serializer.from_description({"type": "encrypted"}).loads(written) == TEXT


def test_a_document_cannot_choose_the_keys() -> None:
    with pytest.raises(ResultUnreadable, match="cannot choose the keys"):
        Serializer.from_description({"type": "encrypted", "keys": OLD})


def test_without_any_key_nothing_is_encrypted() -> None:
    with settings.temporary_settings(results_encryption_keys=None):
        for dump in (lambda: EncryptedSerializer().dumps(TEXT), lambda: encrypted()):
            with pytest.raises(
                SerializationError, match=r"Set PERDURE_RESULTS_ENCRYPTION_KEYS to what perdure\..*new_key"
            ):
                dump()


def test_a_key_that_is_missing_is_named() -> None:
    small, large = EncryptedSerializer().dumps(TEXT), encrypted()
    with settings.temporary_settings(results_encryption_keys=OLD):
        for load in (lambda: EncryptedSerializer().loads(small), lambda: EncryptedSerializer().load(large)):
            with pytest.raises(
                ResultUnreadable, match=r"the key 'new', which .* not have\. Add that key to PERDURE_RES"
            ):
                load()


def test_another_key_of_the_same_id_is_distinguished_from_altered_data() -> None:
    small, large = EncryptedSerializer().dumps(TEXT), encrypted()
    with settings.temporary_settings(results_encryption_keys=new_key("new")):
        for load in (lambda: EncryptedSerializer().loads(small), lambda: EncryptedSerializer().load(large)):
            with pytest.raises(ResultUnreadable, match="another key than the one that has the id 'new' here"):
                load()


@hypothesis_settings(max_examples=60, deadline=None)
@given(st.data())
def test_small_data_that_was_altered_is_corrupt(data: st.DataObject) -> None:
    with settings.temporary_settings(results_encryption_keys=NEW):
        written = bytearray(from_base64(EncryptedSerializer().dumps(TEXT)))
        position = data.draw(st.integers(0, len(written) - 1))
        if data.draw(st.booleans()):
            written[position] ^= data.draw(st.integers(1, 255))
        else:
            del written[position:]
        with pytest.raises(ResultCorrupt):
            EncryptedSerializer().loads(base64.b64encode(written))


def test_chunks_cannot_be_altered_reordered_left_out_or_cut_off() -> None:
    header, (first, second, last) = chunks(sealed(LARGE), len(LARGE))
    other_header, (other, *_) = chunks(sealed(LARGE), len(LARGE))
    assert opened(payload_of(header, first, second, last)) == LARGE
    for altered in (
        (header, second, first, last),
        (header, first, last),
        (header, first, second),
        (header, first, second, last[:-1]),
        (header, first, second, last, last),
        (header, first, second, last, b"x"),
        (header, other, second, last),
        (other_header, first, second, last),
        (header, bytes([first[0] ^ 1]), first[1:], second, last),
        (header,),
        (header[:-1],),
        (),
    ):
        with pytest.raises(ResultCorrupt):
            opened(payload_of(*altered))


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK])
def test_any_size_comes_back_and_can_be_sought_in(size: int) -> None:
    content = LARGE[:size]
    payload = sealed(content)
    with EncryptedSerializer()._inlet(payload).open() as file:
        assert file.read() == content
        assert file.seek(0, io.SEEK_END) == size
        assert file.read() == b""
        assert file.seek(size // 2) == size // 2
        assert file.read(10) == content[size // 2 :][:10]
        assert file.seek(-1, io.SEEK_CUR) == max(0, min(size // 2 + 10, size) - 1)
    assert opened(payload) == content


@pytest.mark.parametrize(
    "name", ["encrypted", "encrypted/json", "encrypted/compressed/json", "compressed/encrypted/json"]
)
def test_what_is_encrypted_at_any_depth_hides(name: str) -> None:
    assert resolve(name, "json").hides
    assert not resolve("compressed/json", "json").hides


def test_names_nest_from_the_outside_in() -> None:
    assert resolve("encrypted/compressed/json", "json") == EncryptedSerializer(
        serializer=CompressedSerializer(serializer=JSONSerializer())
    )


def test_what_a_failed_run_raised_is_encrypted_too() -> None:
    serializer = resolve("encrypted/compressed/numpy", "json").for_exceptions()
    assert serializer.hides
    assert repr(serializer.loads(serializer.dumps(ValueError("x")))) == "ValueError('x')"


@pytest.mark.parametrize("name", ["encrypted/arrow", "compressed/arrow", "encrypted/compressed/parquet"])
@pytest.mark.parametrize("rows", [10, 50_000])
def test_parts_can_be_had_of_what_is_wrapped(name: str, rows: int) -> None:
    table = pa.table({"a": range(rows), "b": np.random.default_rng(0).random(rows)})
    serializer, payload = resolve(name, "json"), MemoryPayload()
    written = serializer.dump(table, payload)
    part = serializer.load_part(payload if written is None else BytesSource(written), ["b"], slice(2, 5))
    assert part.equals(table.select(["b"]).slice(2, 3))


def test_what_was_encrypted_once_is_read_for_ever() -> None:
    reader = EncryptedSerializer(serializer="json", keys=GOLDEN_KEY)
    assert reader.loads(GOLDEN) == {"a": [1, 2.5, None]}


@pytest.mark.parametrize("library", ["lzma", "bz2", "zlib", "gzip", "zstd"])
def test_compressed_streams_that_were_altered_are_corrupt(library: str) -> None:
    serializer = CompressedSerializer(serializer="json", compressionlib=library)
    content = random.Random(1).randbytes(100_000).hex()
    payload = encrypted(content, serializer)
    for position in range(20, len(payload.stream) - 20, 9_973):
        altered = bytearray(payload.stream)
        altered[position] ^= 255
        cut = payload.stream[:position]
        for stream in (altered, cut):
            with pytest.raises(ResultCorrupt):
                serializer.load(payload_of(stream))


@pytest.mark.parametrize("library", ["lzma", "bz2", "zlib", "gzip", "zstd"])
def test_compressed_streams_can_be_sought_in(library: str) -> None:
    serializer = CompressedSerializer(serializer="json", compressionlib=library)
    content = json.dumps(random.Random(1).randbytes(100_000).hex()).encode()
    with serializer._inlet(encrypted(json.loads(content), serializer)).open() as file:
        assert file.seek(150_000) == 150_000
        assert file.read(100) == content[150_000:150_100]
        assert file.seek(10) == 10
        assert file.read(100) == content[10:110]
        assert file.seek(-10, io.SEEK_END) == len(content) - 10
        assert file.read() == content[-10:]
