"""The options by which several commands of `perdure result` choose results."""

import functools
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Annotated, Any, TypeVar, get_type_hints

import typer

from perdure._platform.ages_and_sizes import parse_size, time_ago
from perdure._platform.clock import system_clock
from perdure._platform.ids import is_id
from perdure._rooms.results.records import ResultFilter
from perdure.cli import completion, find

T = TypeVar("T")


@dataclass(frozen=True)
class Chosen:
    """What the options were given as."""

    flow: Annotated[
        str | None,
        typer.Option(
            "--flow",
            metavar="NAME",
            autocompletion=completion.flows,
            help="Only those of this flow and of the tasks in it.",
        ),
    ] = None
    task: Annotated[
        str | None,
        typer.Option("--task", metavar="NAME", autocompletion=completion.tasks, help="Only those of this task."),
    ] = None
    flow_run: Annotated[
        str | None,
        typer.Option(
            "--flow-run",
            metavar="RUN",
            autocompletion=completion.flow_runs,
            help="Only that of this flow run and those of its task runs.",
        ),
    ] = None
    type: Annotated[
        str | None,
        typer.Option("--type", metavar="TYPE", help="Only of this Python type: 'dict', 'pandas.*', '*.DataFrame'."),
    ] = None
    storage: Annotated[
        str | None,
        typer.Option(
            "--storage",
            metavar="STORAGE",
            autocompletion=completion.blocks,
            help="Only in this storage: a slug, an id, a directory, a URL.",
        ),
    ] = None
    older_than: Annotated[
        str | None, typer.Option("--older-than", metavar="AGE", help="Only those made before, such as '30d' or '2h'.")
    ] = None
    newer_than: Annotated[
        str | None, typer.Option("--newer-than", metavar="AGE", help="Only those made since, such as '30d' or '2h'.")
    ] = None
    larger_than: Annotated[
        str | None, typer.Option("--larger-than", metavar="SIZE", help="Only larger ones, such as '10MiB'.")
    ] = None
    smaller_than: Annotated[
        str | None, typer.Option("--smaller-than", metavar="SIZE", help="Only smaller ones, such as '1KiB'.")
    ] = None
    failed: Annotated[bool, typer.Option("--failed", help="Only exceptions.")] = False

    def __bool__(self) -> bool:
        return self != Chosen()

    def narrowed(self, filter: ResultFilter, only: bool = False) -> ResultFilter:
        """The filter with all that was chosen. With `only`, a flow run's name has to be that of one run.

        Raises:
            typer.BadParameter: an age or a size cannot be read.
            PerdureError: there is no such flow run or storage.
        """
        now = system_clock()
        ages = ("--older-than", self.older_than), ("--newer-than", self.newer_than)
        sizes = ("--larger-than", self.larger_than), ("--smaller-than", self.smaller_than)
        before, after = (_given(lambda text: time_ago(text, now), *each) for each in ages)
        larger, smaller = (_given(parse_size, *each) for each in sizes)
        is_whole = self.type is None or "." in self.type or "*" in self.type
        return filter._replace(
            flow_run_ids=() if self.flow_run is None else (find.flow_run(self.flow_run, only).id,),
            flow=self.flow,
            task=self.task,
            type=self.type if is_whole else f"builtins.{self.type}",
            storage_ids=() if self.storage is None else (_storage_id(self.storage),),
            before=before,
            after=after,
            min_size=None if larger is None else larger + 1,
            max_size=None if smaller is None else smaller - 1,
            is_exception=self.failed or None,
        )


def choosing(command: Callable[..., None]) -> Callable[..., None]:
    """A command with the options of `Chosen` in the place of its parameter `chosen`."""
    names = [field.name for field in fields(Chosen)]
    hints = get_type_hints(Chosen, include_extras=True)
    parameters: list[inspect.Parameter] = []
    for parameter in inspect.signature(command).parameters.values():
        if parameter.name != "chosen":
            parameters.append(parameter)
            continue
        parameters += [
            parameter.replace(name=name, default=getattr(Chosen, name), annotation=hints[name]) for name in names
        ]

    @functools.wraps(command)
    def call(**given: Any) -> None:
        chosen = Chosen(**{name: given.pop(name) for name in names})
        command(**given, chosen=chosen)

    call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    call.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return call


def check_one(which: Sequence[str] | None, chosen: Chosen, everything: bool | None = None) -> None:
    """Have results be named, or chosen by options, or be all of them: in one way.

    Raises:
        typer.BadParameter: in none, or in several.
    """
    if bool(which) + bool(chosen) + bool(everything) != 1:
        ways = "runs, or options such as --flow that choose results" + (", or --all" if everything is not None else "")
        raise typer.BadParameter(f"Say which results: name {ways}; not both.", param_hint="RUN")


def _given(parse: Callable[[str], T], option: str, text: str | None) -> T | None:
    try:
        return None if text is None else parse(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from None


def _storage_id(text: str) -> str:
    if is_id(text):
        return text.lower()
    import perdure.results  # noqa: F401 - as a whole first: another thread may be importing it
    from perdure._results.storage_by_name import storage_at

    return storage_at(text).settled().record().id
