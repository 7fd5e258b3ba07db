"""Signatures of events: what a webhook sends is signed, and an event that comes from outside is checked.

Both have one form, so that what one server sends another one may take.
"""

import hashlib
import hmac
import re

_SIGNED_AT = re.compile(r"t=[0-9]{1,15},")
_SIGNED_SECONDS = 300  # for which a signature stands, either way: clocks differ


def signature(secret: str, time: int, body: bytes) -> str:
    """What shows a receiver that a body is ours, and when it was sent: `t=SECONDS,v1=HMAC-SHA256 of SECONDS.BODY`."""
    digest = hmac.new(secret.encode(), f"{time}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={time},v1={digest}"


def is_signed(header: str, secret: str, body: bytes, now: int) -> bool:
    """Whether a signature is of a body, and of the last minutes. `now` is in seconds."""
    if not _SIGNED_AT.match(header):
        return False
    time = signed_at(header)
    expected = signature(secret, time, body)
    return abs(now - time) <= _SIGNED_SECONDS and hmac.compare_digest(header.encode(), expected.encode())


def signed_at(header: str) -> int:
    """When something was signed, in seconds, as its signature says."""
    return int(header[2:].partition(",")[0])
