"""Identity: what a call is within its flow run, however often and in whatever order the flow's calls come.

It is the function, the digests of the arguments, and the turn among equal calls; or the function and the step's id
that the user gave. What another run of the flow made counts as that run, not as its content. A call with the same
identity in the same flow run is not run again if its result was persisted: by a retry of the flow, or after a crash.
"""

import functools
import hashlib
import json
import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from perdure._engine.identity.projects import folder_of
from perdure._engine.port import Runtime
from perdure._model.errors import SerializationError
from perdure._model.options import RunOptions
from perdure._platform.lazy_import import LazyModule
from perdure._platform.named import NamedTuple
from perdure._platform.surrogates import spelled_in_json
from perdure._run.arguments import Upstream, is_atom, replace_upstreams
from perdure._run.context import FlowRunContext, RunContext
from perdure._run.pending import Pending

if TYPE_CHECKING:
    from perdure._engine.identity import former_hashing, hashing
else:  # few programs need them; the others start faster
    former_hashing = LazyModule("perdure._engine.identity.former_hashing")
    hashing = LazyModule("perdure._engine.identity.hashing")

_DIGEST = 32  # hexadecimal characters


Hash = Callable[..., str]


class Identity(NamedTuple):
    """What a call is, and what that was made of."""

    id: str
    step: str  # its components as a JSON object
    undigested: str | None = None  # the argument for which the call's turn alone tells it from others


def identity_of(
    options: RunOptions, parameters: Mapping[str, object], parent: RunContext | None, transaction: Any
) -> Identity | None:
    """The identity of a call whose result is kept; None if it is known only once its inputs have arrived.

    `transaction` is the innermost one that the call is inside.
    """
    if not isinstance(parent, FlowRunContext):
        return None
    root = transaction.root if transaction is not None and transaction.counts_within(parent) else None
    try:
        identity = _identity(options, parameters, parent, root, hashing.digest_of_values)
        if parent.resumed_from and options.step_id is None and not _is_known(identity, parent):
            return _former(options, parameters, parent, root, identity)
        if root is not None and parent.borrowed and identity.id not in parent.borrowed:
            # Earlier versions did not distinguish the folders of a project.
            before = _identity(options, parameters, parent, root, hashing.digest_of_values, tells_folder=False)
            return before if before.id in parent.borrowed else identity
    except _NotArrived:
        return None
    return identity


def _identity(
    options: RunOptions,
    parameters: Mapping[str, object],
    parent: FlowRunContext,
    root: Any,
    hash_values: Hash,
    tells_folder: bool = True,
) -> Identity:
    undigested = None
    if options.step_id is not None:
        described = f'"step": {json.dumps(options.step_id.format(**parameters))}'
    else:
        described, undigested = _digests(parent, parameters, hash_values)
    if root is not None:
        folder = folder_of(options.function) if tells_folder else ""
        within = f'"folder": {json.dumps(folder)}, ' if folder else ""
        described = f'"transaction": {json.dumps(root.key)}, {within}{described}'
    parts = spelled_in_json(f"{_quoted(options.key)}, {described}")  # as it comes back from a server
    digest = _digest(parts)
    turn = (parent if root is None else root).occurrence(digest)
    return Identity(f"{digest}:{turn}", f'{{"turn": {turn}, "key": {parts}}}', undigested)


def _former(
    options: RunOptions, parameters: Mapping[str, object], parent: FlowRunContext, root: object, identity: Identity
) -> Identity:
    """The call's identity by the digests of earlier versions, if the flow run that is resumed knows it by that."""
    try:
        former = _identity(options, parameters, parent, root, former_hashing.digest_of_values)
    except (ValueError, TypeError, AttributeError):  # what earlier versions could not digest, they did not commit
        return identity
    return former if former.step != identity.step and _is_known(former, parent) else identity


def _is_known(identity: Identity, flow: FlowRunContext) -> bool:
    """Whether a resumed flow run knows of the call: it is finished, or was begun, or waited."""
    if identity.id in flow.earlier or identity.id in flow.finished or identity.id in flow.begun:
        return True
    return any(key.startswith(f"{identity.id}/") for key in flow.waits)


def _digest(parts: str) -> str:
    return hashlib.sha256(parts.encode()).hexdigest()[:_DIGEST]


_quoted = functools.lru_cache(maxsize=1_000)(json.dumps)


def identify(run: RunContext, flow: FlowRunContext, identity: Identity, runtime: Runtime) -> None:
    """Give a run its identity within the flow run that called it."""
    run.identity, run.step, undigested = identity
    flow.identities[run.id] = identity.id
    if undigested is not None and run.options.key not in flow.undigested:
        flow.undigested.add(run.options.key)
        kind, name = "flow" if run.is_flow else "task", run.options.name
        runtime.log(flow, logging.WARNING, _UNDIGESTED, undigested, kind, name, kind, name)


_UNDIGESTED = (
    "The argument '%s' of %s '%s' cannot be digested. If this flow run is retried or resumed, calls of it are "
    "distinguished by their order alone. Give the %s a step_id, such as step_id='%s-{...}' with the names of other"
    " parameters."
)


def identify_late(run: RunContext, runtime: Runtime) -> None:
    """Give a run its identity now that its inputs have arrived, if it could not be known before."""
    if run.identity is None and run.persisted and isinstance(run.parent, FlowRunContext):
        identity = identity_of(run.options, run.parameters, run.parent, run.transaction)
        if identity is not None:
            identify(run, run.parent, identity, runtime)


def identity_in(step: str) -> str:
    """The id of the identity that has these components.

    Raises:
        ValueError: they are none.
    """
    turn, mark, parts = step.removeprefix('{"turn": ').removesuffix("}").partition(', "key": ')
    if not mark:
        raise ValueError(f"{step!r} is not what a step is made of.")
    return f"{_digest(_sorted(parts))}:{turn}"


def argument_marks(name: str, value: object) -> tuple[str, ...]:
    """What is somewhere in the text of a step that was given a value; none if its digest cannot be had.

    Values that are common say little: one of these counts where the argument has the name of the parameter, too.
    """
    try:
        digest = hashing.digest_of_values(value)[:_DIGEST]
    except (SerializationError, RecursionError):
        return ()
    return (f'"{name}": "{digest}"',) if value in _COMMON else (f': "{digest}"',)


_COMMON: tuple[object, ...] = (None, False, True, 0, 1, -1, "", [], {})  # True == 1


def _sorted(parts: str) -> str:
    """The components with the arguments by name: earlier versions kept them in the order of the call."""
    before, mark, described = parts.partition('"arguments": {')
    arguments = described[:-1].split(", ")
    return f"{before}{mark}{', '.join(sorted(arguments))}}}" if len(arguments) > 1 else parts


class _NotArrived(Exception):
    """An argument is a run without an identity, so its value counts, which is not there yet."""


def _digests(flow: FlowRunContext, parameters: Mapping[str, object], hash_values: Hash) -> tuple[str, str | None]:
    """A digest of each argument; none, and the argument's name, if one cannot be hashed."""
    described, name = [], None
    try:
        for name, value in parameters.items():
            digest = hash_values(value) if is_atom(value) else _digest_within(flow, value, hash_values)
            described.append(f'"{name}": "{digest[:_DIGEST]}"')
        described.sort()  # the order in which a call names its arguments means nothing
    except (SerializationError, RecursionError):
        return '"arguments": null', name
    return f'"arguments": {{{", ".join(described)}}}', None


def _digest_within(flow: FlowRunContext, value: object, hash_values: Hash) -> str:
    """The digest of a value that other runs may have made, or parts of it."""

    def made_by(value: object) -> str | None:
        item = flow.items_made.get(id(value))
        if item is not None:
            return item[1]
        maker = flow.makers.get(id(value))
        return None if maker is None else flow.identities.get(maker)

    def standing_for(upstream: Upstream, _: bool) -> tuple[str, str]:
        run_id = upstream.task_run_id if isinstance(upstream, Pending) else upstream.run_id
        identity = flow.identities.get(run_id or "")
        if identity is None:
            raise _NotArrived
        return "run", identity

    return hash_values(replace_upstreams(value, standing_for), stand_in=made_by)
