"""Variables."""

from typing import Annotated

from fastapi import Path
from pydantic import BaseModel, JsonValue

from perdure._http.authorisation import needs
from perdure._http.dependencies import Known
from perdure._http.errors import ANSWERS
from perdure._http.models import VariableModel
from perdure._http.pages import Plain
from perdure._http.routers import ApiRouter
from perdure._model.errors import NotFound
from perdure._platform.clock import system_clock
from perdure._rooms.tokens.records import Scope
from perdure._rooms.variables.variable import checked_variable

router = ApiRouter(prefix="/variables", tags=["variables"], responses=ANSWERS)

Name = Annotated[Plain, Path(max_length=255)]


class ValueModel(BaseModel):
    """The value to set."""

    value: JsonValue


@router.get("")
def variables(known: Known) -> list[VariableModel]:
    """All variables, by name."""
    return [VariableModel.of(each) for each in known.variables()]


@router.get("/{name}")
def variable(name: Name, known: Known) -> VariableModel:
    """One variable."""
    found = known.variable(name)
    if found is None:
        raise _missing(name)
    return VariableModel.of(found)


@router.put("/{name}")
@needs(Scope.WRITE)
def set_variable(name: Name, body: ValueModel, known: Known) -> VariableModel:
    """Set a variable; an existing one is replaced."""
    known.set_variable(checked_variable(name, body.value, system_clock()), overwrite=True)
    return variable(name, known)


@router.delete("/{name}", status_code=204)
@needs(Scope.WRITE)
def delete_variable(name: Name, known: Known) -> None:
    """Delete a variable."""
    if not known.delete_variable(name):
        raise _missing(name)


def _missing(name: str) -> NotFound:
    return NotFound(f"There is no variable {name!r}.")


ROUTERS = (router,)
