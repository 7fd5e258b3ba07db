"""Why an object store refused, and what to do: from obstore's errors, whose text may hold signatures and requests."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from perdure._model.errors import ObjectMissing, PerdureError, StorageError

Reason = tuple[str, str]  # what is wrong, and the mend

_CODE = re.compile(r"<Code>(\w+)</Code>|\(code: (\w+)\)")
_STATUS = re.compile(r"non-2xx status code: (\d+ [\w ]+)")
_QUERY = re.compile(r"\?\S*")
_KEYS = "{credentials}"
_NO_BUCKET: Reason = ("there is no such {bucket}", "Make it, or correct {path}")
_WRONG_REGION: Reason = ("the {bucket} is in another region", "Give its region")
_DENIED: Reason = ("permission is denied", f"Grant these credentials the right to it, or give others: {_KEYS}")
_INVALID: Reason = ("the credentials are not valid there", f"Correct {_KEYS}")
_OLD_TOKEN: Reason = ("the session's credentials are no longer valid", f"Renew them, or give {_KEYS}")

# By the services' own codes; where there is none (a HEAD has no body), by what obstore made of the status.
_BY_CODE: dict[str, Reason] = {
    "NoSuchBucket": _NO_BUCKET,
    "ContainerNotFound": _NO_BUCKET,
    "InvalidBucketName": ("that is not a name of a {bucket}", "Correct {path}"),
    "InvalidAccessKeyId": ("the access key is unknown there", f"Correct {_KEYS}"),
    "SignatureDoesNotMatch": ("the secret key does not fit the access key", f"Correct {_KEYS}"),
    "AccessDenied": _DENIED,
    "AuthenticationFailed": _INVALID,
    "RequestTimeTooSkewed": ("this machine's clock is wrong", "Set the clock"),
    "ExpiredToken": _OLD_TOKEN,
    "InvalidToken": _OLD_TOKEN,
    "AuthorizationHeaderMalformed": _WRONG_REGION,
    "PermanentRedirect": _WRONG_REGION,
}
_BY_TYPE: dict[str, Reason] = {
    "PermissionDeniedError": _DENIED,
    "UnauthenticatedError": _INVALID,
}
# In this order: the later ones are more general.
_BY_TEXT: tuple[tuple[str, Reason], ...] = (
    (
        r"169\.254\.|metadata\.google|token request",
        ("no credentials are given, and this machine has none of its own", f"Give {_KEYS}"),
    ),
    (r"session\.get_credentials", ("the profile has no credentials", f"Sign in with it again, or give {_KEYS}")),
    (r"status code: 403", _DENIED),
    (r"status code: 401", _INVALID),
    (r"Missing (AccessKeyId|SecretAccessKey)", ("one half of the credentials is missing", f"Give {_KEYS}")),
    (r"Account must be specified", ("the storage account is not named", "Give account_name")),
    (r"redential error|Invalid Access Key|SAS", ("the credentials are malformed", f"Correct {_KEYS}")),
    (r"specified bucket does not exist", _NO_BUCKET),
    (r"dns error", ("its host's name is unknown", "Correct {endpoint}, or look at the network")),
    (r"certificate", ("its certificate is not trusted here", "Have it mended, or correct {endpoint}")),
    (r"timed out|TimedOut", ("it did not answer in time", "Try again later, or raise timeout_seconds")),
    (r"kind: (Connect|Request)", ("it cannot be reached", "Correct {endpoint}, or look at the network")),
    (r"status code: (5\d\d|429)", ("the service is out of order or overloaded", "Try again later")),
)
_OTHER = "Mend that, or choose another storage"


@contextmanager
def refusals(action: str, place: Callable[[], str], words: dict[str, str]) -> Iterator[None]:
    """Raise what obstore raises in the `with` block as an error of ours.

    Args:
        action: what is done, such as "read".
        place: where; asked for after an error only.
        words: the storage's own words for "bucket", "path", "credentials", "endpoint".

    Raises:
        ObjectMissing: nothing is there.
        StorageError: the storage refuses.
    """
    try:
        yield
    except PerdureError:
        raise
    except Exception as error:
        # Not chained: the texts of requests can hold signatures.
        raise refused(action, place(), words, error) from None


def refused(action: str, place: str, words: dict[str, str], error: Exception) -> StorageError:
    """The error of ours for one of obstore's."""
    text = str(error)
    code = next((first or second for first, second in _CODE.findall(text)), "")
    if isinstance(error, FileNotFoundError) and code not in _BY_CODE and "specified bucket" not in text:
        return ObjectMissing(f"Nothing is stored at {place}. It was deleted or moved, or never written.")
    reason, remedy = _reason(type(error).__name__, code, text)
    return StorageError(f"Cannot {action} {place}: {reason.format(**words)}. {remedy.format(**words)}.")


def _reason(kind: str, code: str, text: str) -> Reason:
    known = _BY_CODE.get(code) or _BY_TYPE.get(kind)
    if known is None:
        known = next((reason for pattern, reason in _BY_TEXT if re.search(pattern, text)), None)
    if known is None:
        if (answered := _STATUS.search(text)) is not None:  # what else it answered may be of a service of its own
            return f"it answered {answered.group(1).strip()}", _OTHER
        # The first line is for people, the others are for the library's developers.
        reason = _QUERY.sub("", text.partition("\n")[0]).replace("{", "(").replace("}", ")").rstrip(". ")
        return reason or kind, _OTHER
    status = _STATUS.search(text)
    reason = code or (status.group(1).strip() if status else "")
    return (f"{known[0]} ({reason})" if reason else known[0]), known[1]


def is_past_end(error: Exception) -> bool:
    """Whether a range was asked for that begins after the end of the object."""
    text = str(error)
    return "status code: 416" in text or "Wanted range starting at" in text  # the latter where all was sent instead
