__all__ = [
    "RunInput",
]

class RunInput(BaseModel):
    model_config = ConfigDict(extra='forbid')
    @classmethod
    def with_initial_data(cls, description: str | None = None, **values: object) -> type[Self]: ...
