"""Explanations of runs, as responses."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field

from perdure._explanation.explain import explain_run
from perdure._explanation.reproduction import reproduction_of
from perdure._explanation.types import Explanation, Involved
from perdure._http.models import time_of
from perdure._rooms.runs.records import FlowRun, TaskRun
from perdure._store.protocol import Orchestrator


class InvolvedModel(BaseModel):
    """A run that is related to another one."""

    id: str
    name: str
    state: str | None
    time: datetime | None
    flow_run_id: str | None
    flow_run_name: str | None

    @classmethod
    def of(cls, run: Involved) -> "InvolvedModel":
        """The model of what an explanation says."""
        return cls(**run._asdict() | {"time": time_of(run.time)})


class ComponentModel(BaseModel):
    """A component of a run's key or identity, and the same component of the nearest earlier run."""

    of: str
    name: str
    digest: str | None
    before: str | None
    shown: str | None
    shown_before: str | None
    differs: bool | None  # null if there is no earlier run


class SourceModel(BaseModel):
    """A run whose result went into another one, and its parameter."""

    name: str
    run: InvolvedModel


class ExplanationModel(BaseModel):
    """Why a run called its function, or why it did not."""

    run: InvolvedModel
    kind: str
    ran: bool
    reason: str
    verdict: str
    advice: str | None
    used: InvolvedModel | None
    nearest: InvolvedModel | None
    components: list[ComponentModel]
    changes: list[str]
    sources: list[SourceModel]
    cache_key: str | None
    expires: datetime | None
    unknown: list[str]

    @classmethod
    def of(cls, run: FlowRun | TaskRun, known: Orchestrator) -> "ExplanationModel":
        """The explanation of a run."""
        explanation = explain_run(known, run)
        return cls(
            run=InvolvedModel.of(explanation.run),
            kind=explanation.kind,
            ran=explanation.ran,
            reason=explanation.reason,
            verdict=explanation.verdict,
            advice=explanation.advice,
            used=_involved(explanation.used),
            nearest=_involved(explanation.nearest),
            components=_components(explanation),
            changes=list(explanation.changes),
            sources=[SourceModel(name=name, run=InvolvedModel.of(source)) for name, source in explanation.sources],
            cache_key=explanation.cache_key,
            expires=time_of(explanation.expires),
            unknown=list(explanation.unknown),
        )


def _involved(run: Involved | None) -> InvolvedModel | None:
    return None if run is None else InvolvedModel.of(run)


def _components(explanation: Explanation) -> list[ComponentModel]:
    is_compared = explanation.nearest is not None
    return [
        ComponentModel(**each._asdict(), differs=each.differs if is_compared else None)
        for each in explanation.components
    ]


class GivenModel(BaseModel):
    """An argument of a call."""

    name: str
    shown: Annotated[str | None, Field(description="As far as it may be shown; null if nothing of it is kept.")]
    code: Annotated[str | None, Field(description="Python that makes it; null if that is not known.")]
    source_id: Annotated[str | None, Field(description="The run whose result it is.")]


class ReproductionModel(BaseModel):
    """Python that calls a run's function again, with what the run was given, as far as that is known."""

    python: str
    arguments: list[GivenModel]
    is_whole: Annotated[bool, Field(description="Whether all arguments are known; others are `...`.")]

    @classmethod
    def of(cls, run: FlowRun | TaskRun, orchestrator: Orchestrator) -> "ReproductionModel":
        """The model of a run's call."""
        found = reproduction_of(run, orchestrator)
        arguments = [GivenModel(**each._asdict()) for each in found.arguments]
        return cls(python=found.python, arguments=arguments, is_whole=found.is_whole)
