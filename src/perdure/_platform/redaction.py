"""What is a secret: decided here, for all that is shown, logged or recorded.

A value is one by its type, or by the name it goes by; in plain text, passwords and keys are known by their looks.
"""

import functools
import re
from collections.abc import Callable, Iterable
from typing import Any

REDACTED = "**********"

# Patterns are compiled when they are first used: most programs need few of them, and all start faster.
_pattern = functools.cache(re.compile)

# Types

_REVEALS = "get_secret_value"  # pydantic's secrets have this method, and so have those that look like them
_CALLED = ("Secret", "Password")  # classes of this very name, in any library
_CIPHERS = ("cryptography.", "nacl.", "Crypto.", "Cryptodome.")  # libraries
_KEEPS_A_KEY = r"PrivateKey|Fernet|AESGCM|AESCCM|AESSIV|AESOCB3|ChaCha20|^HMAC$|^CMAC$|^SecretBox$"

mro_of: Callable[[type], tuple[type, ...]] = type.__dict__["__mro__"].__get__  # no code of a metaclass is run
namespace_of: Callable[[type], Any] = type.__dict__["__dict__"].__get__
_name_of: Callable[[type], str] = type.__dict__["__name__"].__get__


def is_secret(value: object) -> bool:
    """Whether a value is of a type that keeps a secret: pydantic's secrets, our settings', private keys, ciphers.

    Runs no code of the value's.
    """
    for each in mro_of(type(value)):
        if _name_of(each) in _CALLED or _REVEALS in namespace_of(each):
            return True
        module = namespace_of(each).get("__module__")
        if type(module) is str and module.startswith(_CIPHERS) and _pattern(_KEEPS_A_KEY).search(_name_of(each)):
            return True
    return False


# Names

_WORD_STARTS = r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[^a-zA-Z0-9]+"
_SECRET_WORDS = r"""(?x)(?:^|_)(?:
        [a-z0-9]* (?: password | passwd | passphrase | passcode | secret | credential
            | (?:access|account|api|auth|encryption|master|private|secret|session|signing|ssh)_?key ) s?
      | [a-z0-9]* token
      | (?:access|api|auth|bearer|csrf|id|refresh|session|user)_?tokens
      | (?:db|proxy|smtp|ssh|user)_?pass
      | (?:basic|http|proxy)_?auth
      | [a-z0-9]* pwd | authorization | bearer | jwt | cookies?
    )\d*(?:_(?!count|expir|length|limit|type|usage|used)|$)
    """
_WHOLE = ("auth", "pass", "pw")  # part of a name, they mean other things
_LONG = 256  # characters: of a longer name, its beginning and its end are looked at


def is_secret_name(name: str) -> bool:
    """Whether what goes by a name (of a parameter, a field, a key, a column) is not to be shown.

    Whole words count, in any case and however they are joined: `db_password`, `X-Api-Key` and `accessToken` are
    secret; `tokens_used`, `token_count` and `secretary` are not.
    """
    if len(name) > _LONG:
        return _is_secret_name(name[:_LONG]) or _is_secret_name(name[-_LONG:])
    return _is_secret_name(name)


@functools.lru_cache(maxsize=2_000)
def _is_secret_name(name: str) -> bool:
    joined = _pattern(_WORD_STARTS).sub("_", name).strip("_").lower()
    return joined in _WHOLE or _pattern(_SECRET_WORDS).search(joined) is not None


# Texts

# What every secret in a text, in lower case, has in it or before it, but for those in addresses.
_SIGNS = (
    *("pass", "pw", "secret", "token", "key", "auth", "cred", "bearer", "basic", "cookie", "jwt", "eyj", "xox"),
    *("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "_pat_", "glpat-", "sk-", "sk_", "rk-", "rk_", "pypi-", "sig="),
)

_RUN = r"\S+"
# scheme://user: (but not host:port), or scheme:// before a name that is long enough to be a token
_USER = r"://(?:[^/?#:@]*:(?!\d+(?:[/?#]|$))|(?=[^/:@]{20,}+@))"
_PAIR = r"(?<![\w/.+%-])((?!mailto:|sips?:|xmpp:|acct:)[\w.+%-]++:)[^\s:@/]+@(?=[\w.-])"  # user:password@host
_PAIR_END = r":[^\s:@/]+@[\w.-]"  # found much faster, or not, as in most texts
_PEM = r"(?s)(-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----).*?(?=-----END|\Z)"
_BEARER = r"\b(Bearer\s+)[\w.~+/=-]{6,}|\b(Basic\s+)(?=\S*[\dA-Z=])[A-Za-z0-9+/]{8,}={0,2}"
_TOKEN = (
    r"\b(?:gh[pousr]_|github_pat_|glpat-|[sr]k[-_]|xox[abeprs]-|pypi-)[\w-]{12,}"
    r"|(?<=[?&]sig=)[^&\s]+"
)
# A run of such characters is looked at once, whether it is a token or not: it may begin at any of its hyphens.
_JWT = r"\beyJ[\w-]{8,}+(\.[\w-]{8,}+(?:\.[\w-]*+)?)?"
_NAMED = r"""(?x)
        (?<![\w.-])([\w.-]++) \\?["']?\]?[ \t]*(?:=>|[=:])[ \t]*  # password=, "password": , ['password'] =
      | (?<!\S)(--[\w-]++)[ ]+  # --password
      | (?<=["'])(--[\w-]++)["'],[ ]*  # '--password', in a list
      | (?<=[(\[,\s]["'])([\w.-]++)["'],[ ]*(?=["'][^"']*+["'][)\]])  # ('password', '...')
    """
_VALUE = r"""(?xis)
        [bru]{0,2}(?P<quote>\\?["']) (?:(?!(?P=quote))(?:\\.|.))* (?:(?P=quote)|\Z)
      | (?:(?:bearer|basic|digest|negotiate|token|apikey)[ ]+)? [^\s&;,(){}\[\]<>"']+ (?P<open>\()?
      | (?P<bracket>[\[{(])
    """
_REST_OF_LINE = r"[^\r\n\"']+"
_SAYS_NOTHING = ("None", "null", "True", "true", "False", "false")


_known: dict[str, None] = {}  # the values of settings that are secrets, longest first
_SHORTEST = 6  # characters: shorter ones would hide common words


def know(secrets: Iterable[str]) -> None:
    """Have these values be hidden in all that is shown, logged or recorded from now on."""
    fresh = {each for each in secrets if len(each) >= _SHORTEST} - _known.keys()
    if fresh:
        every = sorted({*_known, *fresh}, key=len, reverse=True)
        _known.clear()
        _known.update(dict.fromkeys(every))


def redact_known(text: str) -> str:
    """A text with asterisks for the values that are known to be secrets, wherever they stand in it."""
    for secret in tuple(_known):
        if secret in text:
            text = text.replace(secret, REDACTED)
    return text


def redact(text: str) -> str:
    """A text with asterisks for the secrets in it, such as the password of `https://user:password@host/`.

    Hidden are passwords in addresses, values behind secret names (`password=...`, `"api_key": "..."`), what an
    `Authorization` header holds, private keys, and tokens of well-known shapes.
    """
    text = redact_known(text)
    lowered = text.lower()
    has_signs = any(sign in lowered for sign in _SIGNS)
    if has_signs:
        text = _pattern(_PEM).sub(rf"\1{REDACTED}", text)
    if _pattern(_PAIR_END).search(text):
        text = _pattern(_PAIR).sub(rf"\1{REDACTED}@", text)
    if "@" in text and "://" in text:
        text = _pattern(_RUN).sub(_hide_user_info, text)
    if not has_signs:
        return text
    text = _without_named(text)
    text = _pattern(_BEARER).sub(lambda found: f"{found[1] or found[2]}{REDACTED}", text)
    text = _pattern(_JWT).sub(lambda found: REDACTED if found[1] else found[0], text)
    return _pattern(_TOKEN).sub(REDACTED, text)


def shortened(text: str, length: int) -> str:
    """The first characters of a text, without secrets; nothing that lies far behind them is looked at."""
    if len(text) <= length:
        return redact(text)
    ahead = max(AHEAD, len(next(iter(_known), "")))
    looked_at = redact(text[: length + ahead])
    if len(text) > length + ahead and (cut := _pattern(_OPEN_ADDRESS).search(looked_at)):
        looked_at = looked_at[: cut.start()]
    return looked_at[:length]


AHEAD = 300  # characters beyond what is shown that may tell that the shown ones are a secret
_OPEN_ADDRESS = r"://[^\s/*]*+\Z"  # what comes behind may tell that this is a password


def _hide_user_info(found: "re.Match[str]") -> str:
    """A word without the password of an address in it. It may hold anything but spaces, and ends at the last `@`."""
    word = found[0]
    end = word.rfind("@")
    user = _pattern(_USER).search(word, 0, end + 1) if end >= 0 else None
    return word if user is None else f"{word[: user.end()]}{REDACTED}{word[end:]}"


def _without_named(text: str) -> str:
    parts, done, at = [], 0, 0
    while found := _pattern(_NAMED).search(text, at):
        at = found.end()
        name = found[found.lastindex or 0]
        if is_secret_name(name) and (end := _end_of_value(name, text, at)) > at:
            value = text[at:end]
            quote = value[0] if value[0] in "\"'" else ""
            parts += [text[done:at], value if value in _SAYS_NOTHING else f"{quote}{REDACTED}{quote}"]
            done = at = end
    return "".join([*parts, text[done:]])


def _end_of_value(name: str, text: str, at: int) -> int:
    """Where the value ends that begins at an index; there, if there is none."""
    if name.lower().endswith(("cookie", "authorization")) and (line := _pattern(_REST_OF_LINE).match(text, at)):
        return line.end()
    value = _pattern(_VALUE).match(text, at)
    if value is None:
        return at
    if value["open"] or value["bracket"]:
        return _closing(text, value.end())
    return value.end()


def _closing(text: str, at: int) -> int:
    """The index behind the bracket that closes one opened just before `at`; the text's end if none does."""
    depth = 1
    for found in _pattern(_BRACKETS).finditer(text, at):
        depth += 1 if found[0] in "([{" else -1
        if depth == 0:
            return found.end()
    return len(text)


_BRACKETS = r"[\[\](){}]"
