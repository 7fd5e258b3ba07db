"""`perdure result verify`"""

import json
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Annotated

import typer

from perdure._results.verification import Verdict
from perdure._results.verification import verify as verified
from perdure._rooms.results.records import ResultFilter
from perdure.cli import completion, find
from perdure.cli.groups import AsJson
from perdure.cli.output import duration_text, json_text, note, plural, section, show
from perdure.cli.result_filter import Chosen, check_one, choosing
from perdure.cli.result_ls import run_names
from perdure.cli.result_which import HELP

_SHOWN = 50  # results that are wrong
_OVERWRITTEN = 10  # others that are named: a key that is used again and again leaves many
_STEP = 0.5  # seconds between two lines of progress
_LOOKS = {
    "overwritten": "dim",
    "missing": "red",
    "corrupt": "bold red",
    "untrusted": "bold red",
    "unreadable": "yellow",
}
_REMEDIES = {
    "overwritten": "nothing, if the runs are meant to share a key; else choose another result_storage_key.",
    "missing": "run again, or restore the files from a backup; `perdure result rm` records that they are gone.",
    "corrupt": "do not use what is there: run again, or restore the files from a backup; check the disk.",
    "untrusted": "find out who wrote them: they are not signed with a key of PERDURE_RESULTS_SIGNING_KEYS, or altered.",
    "unreadable": "they may be whole: install or import what the message names, or give this process access.",
}


@choosing
def verify(
    which: Annotated[list[str] | None, typer.Argument(metavar="RUN", autocompletion=completion.runs, help=HELP)] = None,
    chosen: Chosen = Chosen(),  # noqa: B008 - the options take its place
    all_: Annotated[bool, typer.Option("--all", help="All persisted results.")] = False,
    quick: Annotated[
        bool, typer.Option("--quick", help="Compare existence and size only, from one listing of each storage.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check that results exist, and are whole and trusted.

    Nothing is loaded. Exits with 1 if any is not. Results whose key was used again by a later run are reported as
    overwritten, which is not an error.
    """
    check_one(which, chosen, all_)
    began = time.monotonic()
    ids = [find.any_run(each).id for each in which or ()]
    wanted = chosen.narrowed(ResultFilter())
    counts: Counter[str] = Counter()
    wrong = _wrong(_with_progress(verified(ids, quick, wanted), as_json), counts)
    if as_json:
        _write_json(wrong, counts)
    else:
        _show(wrong)
        _show_summary(counts, round((time.monotonic() - began) * 1_000_000), quick)
    raise typer.Exit(int(counts.total() != counts["ok"] + counts["overwritten"]))


def _wrong(verdicts: Iterable[Verdict], counts: "Counter[str]") -> Iterator[Verdict]:
    """Those that are not ok; all are counted."""
    for verdict in verdicts:
        counts[verdict.finding] += 1
        if verdict.finding != "ok":
            yield verdict


def _with_progress(verdicts: Iterable[Verdict], is_quiet: bool) -> Iterator[Verdict]:
    """The verdicts; on a terminal, a line says how many there were until now."""
    if is_quiet or not sys.stderr.isatty():
        yield from verdicts
        return
    last = time.monotonic()
    for count, verdict in enumerate(verdicts):
        if not count % 64 and (now := time.monotonic()) - last > _STEP:
            sys.stderr.write(f"\r{count:,} results checked ...")
            last = now
        if verdict.finding != "ok":
            sys.stderr.write("\r\033[K")
        yield verdict
    sys.stderr.write("\r\033[K")


def _show(wrong: Iterator[Verdict]) -> None:
    shown: Counter[bool] = Counter()
    for verdict in wrong:
        is_overwritten = verdict.finding == "overwritten"
        limit = _OVERWRITTEN if is_overwritten else _SHOWN
        if shown[is_overwritten] < limit:
            _show_one(verdict)
        elif shown[is_overwritten] == limit:
            show(note(f"More are {'overwritten' if is_overwritten else 'wrong'} than these {limit}; --json has all."))
        shown[is_overwritten] += 1


def _show_one(verdict: Verdict) -> None:
    from rich.padding import Padding
    from rich.text import Text

    id = verdict.record.run_id
    line = Text(f"{verdict.finding:<11}", style=_LOOKS[verdict.finding])
    line.append(f"  {run_names([verdict.record]).get(id, id)}", style="bold default")
    line.append(f"  {id}", style="dim not bold")
    show(line, Padding(Text(verdict.reason or ""), (0, 0, 0, 13)))


def _show_summary(counts: "Counter[str]", took: int, quick: bool) -> None:
    how = "by existence and size" if quick else "by digest"
    found = ", ".join(f"{counts[name]:,} {name}" for name in ("ok", *_LOOKS) if counts[name])
    show(
        f"{plural(counts.total(), 'result')} checked {how} in {duration_text(took)}" + (f": {found}" if found else ".")
    )
    remedies = [(name, remedy) for name, remedy in _REMEDIES.items() if counts[name]]
    if remedies:
        show(section("What to do"))
        for name, remedy in remedies:
            show(note(f"{name:<11}  {remedy}"))


def _write_json(wrong: Iterator[Verdict], counts: "Counter[str]") -> None:
    """One document, written as it is found: there may be a million."""
    write = sys.stdout.write
    write('{\n  "wrong": [')
    for index, verdict in enumerate(wrong):
        shape = {"run_id": verdict.record.run_id, "finding": verdict.finding, "reason": verdict.reason}
        write(("," if index else "") + "\n    " + json_text(shape))
    write(f'\n  ],\n  "checked": {counts.total()},\n  "counts": {json.dumps(dict(counts))}\n}}\n')
