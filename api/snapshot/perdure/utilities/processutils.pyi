__all__ = [
    "run_process",
]

async def run_process(
    command: Sequence[str],
    *,
    stream_output: bool | tuple[TextIO | None, TextIO | None] = False,
    cwd: str | Path | None = None,
    env: Mapping[str, str] | None = None,
) -> Process: ...
