"""Commands of the system, which async code waits for."""

import asyncio
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TextIO


async def run_process(
    command: Sequence[str],
    *,
    stream_output: bool | tuple[TextIO | None, TextIO | None] = False,
    cwd: str | Path | None = None,
    env: Mapping[str, str] | None = None,
) -> Process:
    """Run a program until it ends; the process, with its `returncode`. One that fails raises nothing.

    What it prints is dropped, or with `stream_output` written to this program's output, or to the two streams given. If
    the caller is cancelled, the program is killed.

    Raises:
        OSError: it cannot be started.
    """
    out, err = stream_output if isinstance(stream_output, tuple) else (sys.stdout, sys.stderr)
    ways = [DEVNULL if not stream_output or to is None else PIPE for to in (out, err)]
    process = await asyncio.create_subprocess_exec(*command, stdout=ways[0], stderr=ways[1], cwd=cwd, env=env)
    try:
        await asyncio.gather(_copied(process.stdout, out), _copied(process.stderr, err), process.wait())
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process


async def _copied(source: asyncio.StreamReader | None, to: TextIO | None) -> None:
    while source is not None and to is not None and (line := await source.readline()):
        to.write(line.decode(errors="replace"))
        to.flush()
