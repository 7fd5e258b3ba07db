"""Where the code of one of Prefect's deployments is. It is read, never run."""

import ast
import importlib.util
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from perdure._model.errors import PerdureError
from perdure._platform.named import NamedTuple
from perdure._repositories.checkouts import checkout
from perdure._repositories.git import GitRepository
from perdure._rooms.deployments.code_origin import source_of

_WORKING_DIRECTORY, _CLONE = "set_working_directory", "git_clone"


class Code(NamedTuple):
    """Where the code is, as an entry point says it, and why its flow cannot be run, if it cannot."""

    entry_point: dict[str, str]
    hindrance: str | None
    function_name: str | None = None  # of a flow that is named by its function


def code_of(
    entrypoint: str | None, path: str | None, pull_steps: Sequence[Mapping[str, object]], storage: str | None
) -> Code:
    """Find the code of a deployment by its entry point, in the folder or the repository that it names.

    `storage` is the folder of its storage block, if that is a folder.
    """
    if not entrypoint or ":" not in entrypoint:
        return Code(_nowhere(entrypoint, path), "it has no entry point such as 'flows.py:report'")
    step, options = _step(pull_steps)
    try:
        folder = _folder(step, options, path, storage)
    except PerdureError as error:
        return Code(_nowhere(entrypoint, path), str(error))
    if folder is None:
        return Code(_nowhere(entrypoint, path), f"its code is pulled by the step {step!r}, which is not known here")
    place, _, name = entrypoint.rpartition(":")
    found = _file(folder, place)
    if found is None:
        return Code(_nowhere(entrypoint, str(folder)), f"there is no {place} in {folder}")
    target = f"{found}:{name}" if place.endswith(".py") else entrypoint
    entry = {"target": target, "directory": str(found.parent if step == _CLONE else folder)}
    tree, hindrance = _read(found)
    if tree is None:
        return Code({**entry, **source_of(entry)}, hindrance)
    return Code({**entry, **source_of(entry)}, _hindrance(found, tree, name), _function_name(tree, name))


def _nowhere(entrypoint: str | None, path: str | None) -> dict[str, str]:
    return {"target": entrypoint or ":", "directory": path or "."}


def _step(pull_steps: Sequence[Mapping[str, Any]]) -> tuple[str | None, Mapping[str, object]]:
    """The last step that says where code is."""
    for each in reversed(pull_steps):
        for name, options in each.items():
            return name.rpartition(".")[2], options or {}
    return None, {}


def _folder(step: str | None, options: Mapping[str, object], path: str | None, storage: str | None) -> Path | None:
    if step == _CLONE:
        chosen = {name: options[name] for name in ("branch", "commit_sha") if options.get(name)}
        repository = GitRepository(url=str(options.get("repository", "")), **chosen)
        return checkout(repository)
    if step == _WORKING_DIRECTORY:
        return Path(str(options.get("directory") or "."))
    if step is not None:
        return None
    return Path(storage or ".", path or ".").expanduser().absolute()


def _file(folder: Path, place: str) -> Path | None:
    for each in _places(folder, place):
        if each.is_file():
            return each.resolve()
    return None


def _places(folder: Path, place: str) -> Iterator[Path]:
    if place.endswith(".py"):
        yield folder / place
        return
    parts = place.split(".")
    yield folder.joinpath(*parts).with_suffix(".py")
    yield folder.joinpath(*parts, "__init__.py")
    spec = importlib.util.find_spec(parts[0])  # of the first part alone: it imports nothing
    for top in (spec.submodule_search_locations or ()) if spec is not None else ():
        yield Path(top, *parts[1:]).with_suffix(".py")
        yield Path(top, *parts[1:], "__init__.py")
    if spec is not None and spec.origin is not None and len(parts) == 1:
        yield Path(spec.origin)


def _read(file: Path) -> tuple[ast.Module | None, str | None]:
    try:
        return ast.parse(file.read_bytes()), None
    except (SyntaxError, ValueError, OSError) as error:
        return None, f"{file} cannot be read: {error}"


def _hindrance(file: Path, tree: ast.Module, name: str) -> str | None:
    if name not in _names(tree):
        return f"{file} has no {name!r} at its top level"
    if any(module.partition(".")[0] == "prefect" for module in _imported(tree)):
        return f"{file} imports prefect: run `perdure migrate --write {file}`"
    return None


def _function_name(tree: ast.Module, name: str) -> str | None:
    """The function's name of a flow that was given none."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name:
            calls = [each for each in node.decorator_list if isinstance(each, ast.Call)]
            return None if any(each.arg in ("name", None) for call in calls for each in call.keywords) else name
    return None


def _names(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name
        elif isinstance(node, ast.Assign):
            yield from (each.id for each in node.targets if isinstance(each, ast.Name))
        elif isinstance(node, ast.ImportFrom | ast.Import):
            yield from (each.asname or each.name for each in node.names)


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module or ""
