"""Whether processes that multiprocessing starts would run the main program anew: each imports it for its names."""

import ast
import multiprocessing
import sys
import threading
from pathlib import Path

from perdure._platform.interruption import frame_of

_GUARD = (
    'Put what it runs under `if __name__ == "__main__":`, give the address= of a cluster that runs, or use a'
    " ProcessTaskRunner, which needs no guard."
)


def why_unguarded() -> str | None:
    """Why no processes can be started by multiprocessing here, and what to do; None if nothing is known against it."""
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        return f"This process belongs to a cluster that is being started, and runs the main program anew. {_GUARD}"
    main = sys.modules.get("__main__")
    file, line = getattr(main, "__file__", None), _line_of(main)
    if file is None or line is None or _is_guarded(Path(file), line):
        return None
    return f"Each process of the cluster would run {file} anew, which calls the flow in line {line}. {_GUARD}"


def _line_of(main: object) -> int | None:
    """The line of the main program's own code that the main thread is in."""
    frame = frame_of(threading.main_thread().ident or 0)
    line = None
    while frame is not None:
        if frame.f_code.co_name == "<module>" and frame.f_globals is getattr(main, "__dict__", None):
            line = frame.f_lineno
        frame = frame.f_back
    return line


def _is_guarded(file: Path, line: int) -> bool:
    """Whether the line is under a condition, or the program looks at its name anywhere, or cannot be read."""
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return True
    return any(
        (isinstance(node, ast.If) and node.lineno <= line <= (node.end_lineno or line))
        or (isinstance(node, ast.Compare) and any(_is_name(each) for each in (node.left, *node.comparators)))
        for node in ast.walk(tree)
    )


def _is_name(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "__name__"
