"""The verdict: which of the things that are known of a run decided that it called its function, or that it did not."""

from collections.abc import Iterator, Sequence

from perdure._explanation.comparison import changes_of_source
from perdure._explanation.facts import LOOKED_AT, Facts, Known, Run, involved
from perdure._explanation.types import Component, Explanation, Involved, Reason, time_text
from perdure._model.state_types import FINAL, UNSUCCESSFUL, StateType
from perdure._platform.named import NamedTuple
from perdure._rooms.cache.expiry import has_expired
from perdure._rooms.runs.records import FlowRun, RunFilter, TaskRun
from perdure._store.protocol import Orchestrator

_CACHE = "A cache_policy such as INPUTS on the task would have others use its result."
_PERSIST = "persist_result=True, or a cache_policy such as INPUTS, would keep it."
_DURABLE = "persist_result=True on it, or durable=True on the flow, would keep it for a resume of its flow run."


class Verdict(NamedTuple):
    """What an explanation says first."""

    ran: bool
    reason: Reason
    text: str
    advice: str | None = None


def verdict_of(
    facts: Facts, nearest: Known | None, components: Sequence[Component], orchestrator: Orchestrator
) -> Explanation:
    """The whole explanation of a run."""
    named = _named(facts, nearest, orchestrator)
    changed = {each.name for each in components if each.of == "cache key" and each.differs}
    of_source = {"source", "used source"} & changed and nearest is not None
    changes = changes_of_source(facts.this, nearest, orchestrator) if of_source and nearest is not None else ()
    decided = _Explainer(facts, nearest, components, changes, named).verdict()
    result = facts.this.result
    return Explanation(
        run=named[facts.run.id],
        kind="flow run" if isinstance(facts.run, FlowRun) else "task run",
        ran=decided.ran,
        reason=decided.reason,
        verdict=decided.text + _kept(facts),
        advice=decided.advice,
        used=None if facts.maker is None else named[facts.maker.run.id],
        nearest=None if nearest is None else named[nearest.run.id],
        components=tuple(components),
        changes=changes,
        sources=tuple((each.name, named[each.source_id]) for each in facts.inputs if each.source_id in named),
        cache_key=_cache_key(facts),
        expires=None if result is None else result.expires,
        unknown=tuple(_unknown(facts, components)),
    )


def _kept(facts: Facts) -> str:
    if facts.kept is None or facts.run.state_type is not StateType.COMPLETED:
        return ""
    return f" When its flow run was resumed after a crash ({time_text(facts.kept.time)}), it did not run again."


def _named(facts: Facts, nearest: Known | None, orchestrator: Orchestrator) -> dict[str, Involved]:
    runs: list[Run] = [facts.run]
    runs += [each.run for each in (nearest, facts.maker, facts.other, *facts.attempts) if each is not None]
    ids = tuple({each.source_id for each in facts.inputs})
    if ids:
        runs += [*orchestrator.task_runs(RunFilter(ids=ids)), *orchestrator.flow_runs(RunFilter(ids=ids))]
    return involved(orchestrator, [*runs, *(each.run for each in _with_same_key(facts)[:1])])


def _cache_key(facts: Facts) -> str | None:
    decision, result = facts.this.decision, facts.this.result
    if decision is not None and decision.cache_key is not None:
        return decision.cache_key
    return None if result is None else result.cache_key


def _with_same_key(facts: Facts) -> list[Known]:
    """The earlier runs that wanted to compute the same cache key, newest first."""
    key = None if facts.this.decision is None else facts.this.decision.cache_key
    return [each for each in facts.earlier if key and each.decision is not None and each.decision.cache_key == key]


def _unknown(facts: Facts, components: Sequence[Component]) -> Iterator[str]:
    if len(facts.earlier) >= LOOKED_AT and facts.maker is None:
        yield f"Only the newest {LOOKED_AT:,} runs before it were compared."
    if _cache_key(facts) is not None and not any(each.of == "cache key" for each in components):
        yield "Its cache key comes from a function, or is an older one: its components are not known."
    if any(each.name.startswith("argument") and each.differs and each.before and not each.shown for each in components):
        yield "Arguments that are not shown are known by their digests only."


class _Explainer(NamedTuple):
    facts: Facts
    nearest: Known | None
    components: Sequence[Component]
    changes: tuple[str, ...]
    named: dict[str, Involved]

    def verdict(self) -> Verdict:
        """What decided it."""
        run, decision = self.facts.run, self.facts.this.decision
        if run.state_name in ("Cached", "Reused"):
            return self._taken()
        if not run.run_count:
            return self._not_begun(run)
        if decision is not None and decision.why == "lost":
            what = f"the result of {self._describe(decision.other_id)}, which it would have used, cannot be read"
            return Verdict(True, "lost", f"It ran because {what}: {decision.detail}")
        if decision is not None and decision.why == "refreshed":
            return Verdict(True, "refreshed", "It ran because of refresh_cache or PERDURE_TASKS_REFRESH_CACHE.")
        if decision is not None and decision.cache_key is not None:
            return self._missed()
        if self.facts.resumed_with is not None and self.facts.step is not None:
            return self._not_committed(self.facts.resumed_with.name)
        return self._uncached()

    def _describe(self, id: str | None) -> str:
        """A run's name, its flow run if that is another one, and the time of its state."""
        run = self.named.get(id or "")
        if run is None:
            return "a run that is no longer recorded"
        details = [run.flow_run_name] if run.flow_run_name is not None and self._is_elsewhere(run) else []
        details += [] if run.time is None else [time_text(run.time)]
        return f"{run.name} ({', '.join(details)})" if details else run.name

    def _is_elsewhere(self, run: Involved) -> bool:
        return self.facts.flow is None or run.flow_run_id != self.facts.flow.id

    def _taken(self) -> Verdict:
        decision, run = self.facts.this.decision, self.facts.run
        if decision is None:
            reason: Reason = "cached" if run.state_name == "Cached" else "reused"
            return Verdict(
                False, reason, "It did not run: it took the result of an earlier run, which was not recorded."
            )
        maker = self._describe(None if self.facts.maker is None else self.facts.maker.run.id)
        if decision.why == "waited":
            return Verdict(
                False, "waited", f"It did not run: it waited for {maker}, which computed the same cache key."
            )
        if decision.why == "cached":
            return Verdict(
                False, "cached", f"It did not run: it took the result of {maker}, which has the same cache key."
            )
        what = "failed" if run.state_type in UNSUCCESSFUL else "finished"
        advice = "retry_failed=True (--retry-failed) would have run it." if what == "failed" else None
        return Verdict(
            False, "reused", f"It did not run: it had {what} before its flow run was resumed, as {maker}.", advice
        )

    def _not_begun(self, run: Run) -> Verdict:
        message = f" {run.state_message}" if run.state_message else ""
        if run.state_name == "NotReady":
            failed = [
                self._describe(each.source_id) for each in self.facts.inputs if self._has_not_completed(each.source_id)
            ]
            what = f"what it needs did not complete: {', '.join(failed)}." if failed else message
            return Verdict(False, "not ready", f"It did not run: {what.strip()}", "allow_failure lets it run anyway.")
        if run.state_type is StateType.CANCELLED:
            return Verdict(False, "cancelled", f"It was cancelled before it began.{message}")
        if run.state_type in FINAL:
            return Verdict(False, "stopped", f"It did not run.{message}")
        return Verdict(False, "not begun", f"It has not begun yet: it is {run.state_name or 'created'}.{message}")

    def _has_not_completed(self, id: str) -> bool:
        return id in self.named and self.named[id].state not in ("Completed", "Cached", "Reused")

    def _missed(self) -> Verdict:
        """Its key stood for nothing that it could use."""
        other, began = self.facts.other, self.facts.run.started or self.facts.run.created
        same = _with_same_key(self.facts)
        if other is not None and other.result is not None:
            expires, doomed = other.result.expires, other.result.doomed
            if doomed is not None and doomed <= began:
                text = f"the cached result of {self._describe(other.run.id)} was removed on {time_text(doomed)}"
                return Verdict(True, "removed", f"It ran because {text}.")
            if expires is not None and has_expired(expires, began):
                text = f"the cached result of {self._describe(other.run.id)} expired on {time_text(expires)}"
                return Verdict(True, "expired", f"It ran because {text}.")
            return self._concurrent(other)
        if same and same[0].run.state_type in UNSUCCESSFUL:
            text = f"{self._describe(same[0].run.id)}, with the same cache key, is {same[0].run.state_name}"
            return Verdict(True, "failed before", f"It ran because {text}: only what has completed is cached.")
        if same and (same[0].run.ended is None or same[0].run.ended > began):
            return self._concurrent(same[0])
        if same:
            text = (
                f"the result of {self._describe(same[0].run.id)}, with the same cache key, was removed from the cache"
            )
            return Verdict(True, "forgotten", f"It ran because {text} since (`perdure cache clear`).")
        return self._differs()

    def _concurrent(self, other: Known) -> Verdict:
        text = f"{self._describe(other.run.id)}, with the same cache key, had not completed then"
        return Verdict(True, "concurrent", f"It ran because {text}, and it could not wait for it.")

    def _differs(self) -> Verdict:
        differing = [each for each in self.components if each.of == "cache key" and each.differs]
        if self.nearest is None or not differing:
            what = "" if not self.facts.earlier else " with a cache key that can be compared"
            return Verdict(True, "new", f"It ran because no earlier run of the task{what} is recorded.")
        verb = "differs" if len(differing) == 1 else "differ"
        what = _listed([self._describe_change(each) for each in differing])
        return Verdict(
            True, "changed", f"It ran because {what} {verb} from that of the nearest earlier run, {self._nearest()}."
        )

    def _nearest(self) -> str:
        return self._describe(None if self.nearest is None else self.nearest.run.id)

    def _describe_change(self, component: Component) -> str:
        kind, _, name = component.name.partition(" ")
        if component.name in ("source", "used source") and self.changes:
            return f"its {component.name} ({'; '.join(self.changes[:3])})"
        if kind == "argument" and component.shown is not None and component.shown_before is not None:
            return f"its argument `{name}` ({component.shown_before} → {component.shown})"
        return f"its argument `{name}`" if kind == "argument" else f"its {component.name}"

    def _not_committed(self, how: str) -> Verdict:
        """Its flow run was resumed, and no result of this step was committed before."""
        before = [each for each in self.facts.attempts if self._is_same_step(each)]
        cause = "its flow run was retried" if how == "Retrying" else "its flow run was resumed after it had stopped"
        if not before:
            return Verdict(True, "new step", f"It ran because {cause}, and no such step had begun before.")
        last = before[0].run
        was = f"{self._describe(last.id)} is {last.state_name}"
        text = f"It ran because {cause}, and this step had no committed result: {was}."
        return Verdict(True, "not committed", text)

    def _is_same_step(self, other: Known) -> bool:
        if other.step is not None:
            return other.step == self.facts.step
        return other.run.name == self.facts.run.name

    def _uncached(self) -> Verdict:
        run, result, decision = self.facts.run, self.facts.this.result, self.facts.this.decision
        if isinstance(run, FlowRun) and self.facts.flow is None:
            begun = f" It has begun {run.run_count} times: it was retried or resumed." if run.run_count > 1 else ""
            return Verdict(True, "called", f"It ran because it was called: an outermost flow run always runs.{begun}")
        if decision is not None and decision.why == "keyless":
            return Verdict(
                True, "no key", "It ran because its cache policy, or its cache_key_fn, gave it no key: None."
            )
        if result is None:
            return Verdict(True, "no cache", "It runs because no cache key was recorded for it. It has no result yet.")
        if self.facts.step is None and result.kind != "persisted":
            text = "It ran because what it returns is not persisted: there was no result that it could have reused."
            return Verdict(True, "not persisted", text, _PERSIST if isinstance(run, TaskRun) else _DURABLE)
        what = "flow" if isinstance(run, FlowRun) else "task"
        text = f"It ran because the {what} has no cache: a result is kept only for a resume of its own flow run."
        return Verdict(True, "no cache", text, _CACHE if isinstance(run, TaskRun) else None)


def _listed(texts: Sequence[str]) -> str:
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}"
