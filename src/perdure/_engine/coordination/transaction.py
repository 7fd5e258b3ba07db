"""A transaction as its block, its tasks and its hooks see it."""

import threading
from collections.abc import Mapping
from typing import Any

from perdure._engine.port import Runtime
from perdure._engine.recovery.kept_values import packed, place_of_value, unpacked
from perdure._model.colour import on_event_loop
from perdure._model.errors import TransactionError
from perdure._model.records import ResultRecord, StepRecord, ValueRecord
from perdure._platform.ids import new_id
from perdure._run.context import FlowRunContext, RunContext
from perdure._run.pending import Pending

_MISSING = object()


class Transaction:
    """A block of a flow whose steps' results are committed together, or not at all.

    `set` and `get` keep values for the hooks of its tasks.
    """

    def __init__(
        self, runtime: Runtime | None, key: str | None, flow: FlowRunContext | None, outer: "Transaction | None" = None
    ) -> None:
        self.id = new_id()
        self.key = key  # as the user gave it
        self.full_key = ""  # by which the database knows it, once it is entered
        self.has_ended = False
        self.root: Transaction = self if outer is None else outer.root
        self.outer = outer
        self.runtime = runtime
        self.flow = flow
        self.holder = self.id  # of the claim of the key
        self.blocks = {self.id}  # its own, and those inside that have joined it
        self.cached: dict[str, ResultRecord] = {}  # by cache key: what is seen inside alone
        self.ended: dict[str, RunContext] = {}  # in this process, by their ids
        self.submitted: list[Pending] = []
        self.streams: list[Any] = []  # mapped calls
        self._committed = False
        self._deciding = threading.Lock()  # a thread may still commit when its coroutine was cancelled already
        self._is_undone = False
        self._values: dict[str, Any] = {}
        self._occurrences: dict[str, int] = {}

    def is_committed(self) -> bool:
        """Whether the transaction was committed: in an earlier block with the same key, or before a crash.

        Then the results of the calls inside are those that were committed.
        """
        return self.root._committed

    def set(self, name: str, value: object) -> None:
        """Keep a value under a name, for the hooks: durably, so that they find it after a crash.

        Blocks inside others share the values of the outermost one.

        Raises:
            TransactionError: the value cannot be pickled, or takes more than a MiB.
        """
        root = self.root
        text = packed({name: value}, place_of_value(root.id, name))
        if text is None:
            raise TransactionError(
                f"The value {name!r}, a {type(value).__name__}, cannot be kept with the transaction: it cannot be"
                " pickled, or takes more than a MiB. Set a path or an id instead."
            )
        root._values[name] = value
        if self.runtime is not None:
            self.runtime.report((ValueRecord(root.id, name, text),))

    def get(self, name: str, default: object = _MISSING) -> Any:
        """The value that was set under a name, in whichever process; or `default`.

        What a task in another process has set is seen by hooks and by plain code, not by coroutines: the database is
        asked for it.

        Raises:
            TransactionError: there is none, and no default.
        """
        values = self.root._values
        if name not in values and self.runtime is not None and not on_event_loop():
            self.root.remember(self.runtime.transactions.values(self.root.id))
        if name in values:
            return values[name]
        if default is _MISSING:
            known = ", ".join(sorted(values)) or "none"
            raise TransactionError(
                f"The transaction has no value {name!r}; it has: {known}. Set it, or give a default."
            )
        return default

    def commit(self, runtime: Runtime) -> None:
        """Let all results be seen, unless it is being rolled back by now."""
        with self._deciding:
            if not self._is_undone:
                owner = None if self.flow is None else self.flow.claim_of_root
                runtime.transactions.commit(self.id, runtime.clock(), owner)

    def undo(self, runtime: Runtime) -> list[StepRecord]:
        """The steps that are to be rolled back, or have hooks to come if it was committed already."""
        with self._deciding:
            self._is_undone = True
            steps = runtime.transactions.steps(self.root.id)
        return [step for step in steps if step.block in self.blocks]

    def remember(self, kept: Mapping[str, str]) -> None:
        """Take the values that the database has, unless they are known."""
        for name, text in kept.items():
            if name not in self._values:
                found = unpacked(
                    text, place_of_value(self.id, name), f"The value {name!r} of the transaction {self.id}"
                )
                self._values[name] = found[name]

    def covers(self, run: RunContext | None) -> bool:
        """Whether what the run calls now is inside: the consumer of a generator that has such a block is not."""
        if self.flow is None:
            return True
        while run is not None and run is not self.flow:
            run = run.parent
        return run is not None

    def counts_within(self, flow: FlowRunContext) -> bool:
        """Whether a flow run's calls are distinguished within the transaction, so that other runs find them
        by its key."""
        return self.root.key is not None and self.root.flow is flow

    def occurrence(self, key: str) -> int:
        """How many times `key` came up before in this block."""
        count = self._occurrences.get(key, 0)
        self._occurrences[key] = count + 1
        return count

    def __reduce__(self) -> Any:
        return _elsewhere, (self.id, self.root.id, self.root.key)

    def __repr__(self) -> str:
        return f"<Transaction {self.root.key or self.root.id}>"


def _elsewhere(id: str, root_id: str, key: str | None) -> Transaction:
    """The transaction in the process of one of its tasks."""
    root = Transaction(None, key, None)
    root.id = root_id
    if id == root_id:
        return root
    inner = Transaction(None, None, None, root)
    inner.id = id
    return inner
