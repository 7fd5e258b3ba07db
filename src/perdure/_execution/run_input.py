"""Input that people give to a flow run that waits for it: `pause_flow_run(wait_for_input=Approval)`."""

from typing import Any, Self

from pydantic import BaseModel, ConfigDict, create_model

__all__ = ["RunInput"]


class RunInput(BaseModel):
    """A form to be filled in: its fields, with their types and descriptions, are what is asked for.

    Any pydantic model does as well.
    """

    model_config = ConfigDict(extra="forbid")

    @classmethod
    def with_initial_data(cls, description: str | None = None, **values: object) -> type[Self]:
        """A form with values filled in beforehand.

        Raises:
            TypeError: it has no such field.
        """
        fields: dict[str, Any] = {}
        for name, value in values.items():
            if name not in cls.model_fields:
                known = ", ".join(cls.model_fields) or "none"
                raise TypeError(f"{cls.__name__} has no field {name!r}. It has {known}.")
            fields[name] = (cls.model_fields[name].annotation, value)
        return create_model(cls.__name__, __base__=cls, __doc__=description or cls.__doc__, **fields)
