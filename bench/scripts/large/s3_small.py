"""A small result to S3: one bare PUT, and a persisted result."""

import os

import obstore
from bucket import block, store
from duel import duel, persist, show

TURNS = 200
data = os.urandom(1024)
bare, storage = store(), block()
value = os.urandom(700)  # with base64 and its header, a document of about 1 KiB


def theirs() -> None:
    obstore.put(bare, os.urandom(16).hex(), data)


show(s3_small=duel(theirs, lambda: persist(value, storage), TURNS))
