"""Tokens: who may talk to a server, and what they may do. Kept as digests, from which no token can be recovered."""

import hashlib
import re
import secrets
from collections.abc import Sequence
from hmac import compare_digest

from perdure._model.errors import TokenError, TokenMissing
from perdure._platform.clock import Micros
from perdure._rooms.tokens.records import Scope, Token
from perdure._rooms.tokens.tables import API_TOKEN
from perdure._store.sql.access import Access

_TEXT = re.compile(r"perdure_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")
_NAME = re.compile(r"[\w.@+-][\w.@+ -]{0,99}")
_SECRET_BYTES = 32
_COARSE = 60_000_000  # microseconds: the last use is written no more often


class Tokens:
    """The tokens of one database."""

    def __init__(self, access: Access) -> None:
        self._access, self._writer = access, access.writer
        sql, mark = access.sql, access.sql.mark
        self._insert = sql.insert(API_TOKEN)
        self._by_id = sql.select(API_TOKEN, f"id = {mark}")
        self._all = sql.select(API_TOKEN, "parent_id IS NULL ORDER BY created, id")
        self._use = f"UPDATE api_token SET used = {mark} WHERE id = {mark}"
        self._revoke = f"UPDATE api_token SET revoked = {mark} WHERE id = {mark} AND revoked IS NULL"
        self._clean = f"DELETE FROM api_token WHERE parent_id IS NOT NULL AND expires < {mark}"

    def create(self, name: str, scope: Scope, now: Micros, expires: Micros | None = None) -> tuple[str, Token]:
        """A new token: its text, which nothing keeps, and what is kept of it.

        Raises:
            TokenError: the name is malformed, or a live token has it.
        """
        if not _NAME.fullmatch(name):
            raise TokenError(f"{name!r} is no name of a token. Use up to 100 letters, digits, spaces and . @ + - _.")
        if any(each.name == name and each.is_live(now) for each in self.all()):
            raise TokenError(f"A token has the name {name!r} already. Choose another, or revoke that one.")
        return self._kept(name, scope, None, now, expires)

    def begin_session(self, token: Token, now: Micros, expires: Micros) -> tuple[str, Token]:
        """A session of a token, as `create`: its text goes into a cookie. Expired ones are forgotten."""
        self._writer.execute_apart(self._clean, (now,))
        return self._kept(token.name, token.scope, token.id, now, expires)

    def _kept(
        self, name: str, scope: Scope, parent_id: str | None, now: Micros, expires: Micros | None
    ) -> tuple[str, Token]:
        id = secrets.token_hex(6)
        text = f"perdure_{id}_{secrets.token_urlsafe(_SECRET_BYTES)}"
        token = Token(id, name, scope, digest_of(text), parent_id, now, expires, None, None)
        self._writer.execute_apart(self._insert, token)
        return text, token

    def find(self, text: str, now: Micros) -> Token | None:
        """The live token, or session, of a text; its use is noted."""
        match = _TEXT.fullmatch(text)
        token = None if match is None else self._get(match[1])
        if token is None or not compare_digest(token.digest, digest_of(text)) or not token.is_live(now):
            return None
        if token.parent_id is not None:
            parent = self._get(token.parent_id)
            if parent is None or not parent.is_live(now):
                return None
        if token.used is None or now - token.used >= _COARSE:
            self._writer.execute_apart(self._use, (now, token.id))
        return token

    def all(self) -> Sequence[Token]:
        """The tokens, oldest first, the revoked and expired ones too; no sessions."""
        return self._access.all(Token, self._all)

    def revoke(self, called: str, now: Micros) -> Sequence[Token]:
        """Revoke every live token with this name or shown part, and its sessions; those that were revoked.

        Raises:
            TokenMissing: no live token is called so; says when one was revoked or expired.
        """
        named = [token for token in self.all() if called in (token.name, token.id, token.shown)]
        live = [token for token in named if token.is_live(now)]
        for token in live:
            self._writer.execute_apart(self._revoke, (now, token.id))
        if live:
            return [token._replace(revoked=now) for token in live]
        if named:
            ended = ", ".join(
                f"{each.shown} {'has expired' if each.revoked is None else 'is revoked'}" for each in named
            )
            raise TokenMissing(f"No live token is called {called!r}: {ended}. `perdure token ls` lists all.")
        raise TokenMissing(f"No token is called {called!r}. `perdure token ls` lists them.")

    def live(self, ids: Sequence[str], now: Micros) -> set[str]:
        """Those ids whose token or session is live, as is the token that a session was begun with."""
        found = {id: token for id in ids if (token := self._get(id)) is not None and token.is_live(now)}
        parents = {token.parent_id for token in found.values() if token.parent_id is not None}
        ended = {id for id in parents if (token := self._get(id)) is None or not token.is_live(now)}
        return {id for id, token in found.items() if token.parent_id not in ended}

    def end(self, session: Token, now: Micros) -> None:
        """Have a session be of no use any more."""
        self._writer.execute_apart(self._revoke, (now, session.id))

    def _get(self, id: str) -> Token | None:
        return self._access.one(Token, self._by_id, id)


def digest_of(text: str) -> str:
    """What is kept of a token's text. It is 256 random bits: a slow digest would protect it no better."""
    return hashlib.sha256(text.encode()).hexdigest()


STORE = Tokens
