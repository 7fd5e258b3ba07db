"""The project that code belongs to: what distinguishes a module from one of the same name in another folder.

It is what a checkout on another machine has alike: the name in the nearest `pyproject.toml` above the code, else the
address of the git repository that it was cloned from, with the folder inside that the module is imported from. Code
that has neither is known by the folder itself. What is installed is known by its module names alone.
"""

import functools
import json
import re
from pathlib import Path

from perdure._platform.standard_library import folders

MARK = ".perdure-bundle"  # a file in code that was copied as a bundle: it says the project that it is a copy of
_INSTALLED = frozenset({"site-packages", "dist-packages"})
_URL = re.compile(r"^(?:\w[\w+.-]*://)?(?:[^@/]*@)?([^/:]+)(?::\d+(?=/))?[:/]+(.*?)/*(?:\.git)?/*$")
# Read without a parser of TOML, which takes more time to import than a small flow.
_TABLE = re.compile(r"^[ \t]*\[(project|tool\.poetry)\][ \t]*(?:#.*)?$((?:\n(?![ \t]*\[).*)*)", re.MULTILINE)
_NAME = re.compile(r"""^[ \t]*name[ \t]*=[ \t]*(["'])([^"'\n]+)\1""", re.MULTILINE)
_ORIGIN = re.compile(r'^\s*\[remote "origin"\]\s*$((?:\n(?!\s*\[).*)*)', re.MULTILINE)
_ADDRESS = re.compile(r"^\s*url\s*=\s*(.+?)\s*$", re.MULTILINE)


@functools.lru_cache(maxsize=10_000)
def project_of(file: str | None, levels: int) -> str:
    """The project of a module by its file and the packages that it is in; of a notebook by the working directory."""
    if file is None:
        return project_of_folder(_working_directory())
    path = Path(file).resolve()
    above = path.parents[min(levels + (path.name == "__init__.py"), len(path.parents) - 1)]
    return project_of_folder(above)


def whole(project: str) -> str:
    """The project without the folder inside."""
    return project.partition("//")[0]


def folder(project: str) -> str:
    """The folder inside the project; empty for the project's own."""
    return project.partition("//")[2]


@functools.cache
def _working_directory() -> Path:
    """As it was when first asked for: a program may change it."""
    try:
        return Path.cwd()
    except OSError:  # it was removed
        return Path("/")


def _is_installed(path: Path) -> bool:
    if _INSTALLED.intersection(path.parts):
        return True
    return any(path.is_relative_to(folder) for folder in folders())


@functools.lru_cache(maxsize=1_000)
def project_of_folder(folder: Path | str) -> str:
    """The project of modules that are imported from a folder: `project//folder inside`; empty if it is installed."""
    folder = Path(folder)
    if _is_installed(folder):
        return ""
    for above in (folder, *folder.parents):
        name = _declared_name(above / "pyproject.toml") or _origin(above / ".git")
        if name is not None:
            inside = folder.relative_to(above).as_posix()
            return name if inside == "." else f"{name}//{inside}"
        marked = _marked(above / MARK)
        if marked is not None:
            inside = folder.relative_to(above).as_posix()
            return marked[0] if inside == "." else f"{marked[0]}{marked[1]}{inside}"
        if (above / ".git").exists():
            break
    return folder.as_posix()


def mark_of(folder: Path) -> dict[str, str]:
    """What the mark of a copy of a folder says: its project, and what stands between that and a folder inside."""
    folder = folder.resolve()
    project = project_of_folder(folder)
    is_top = project != folder.as_posix() and "//" not in project
    return {"project": project, "joint": "//" if is_top else "/"}


def _marked(mark: Path) -> tuple[str, str] | None:
    try:
        said = json.loads(mark.read_text(encoding="utf-8"))
        return str(said["project"]), str(said["joint"])
    except (OSError, ValueError, LookupError, TypeError):
        return None


def _declared_name(file: Path) -> str | None:
    """The name that a `pyproject.toml` gives its project; None if it gives none."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return None
    for table in _TABLE.finditer(text):
        name = _NAME.search(table[2])
        if name is not None:
            return re.sub(r"[-_.]+", "-", name[2]).lower()
    return None


def _origin(git: Path) -> str | None:
    """The address that a git repository was cloned from, without user names, passwords and schemes."""
    try:
        if git.is_file():  # of a worktree or a submodule
            git = (git.parent / git.read_text(encoding="utf-8").partition(":")[2].strip()).resolve()
        common = git / "commondir"
        if common.is_file():
            git = (git / common.read_text(encoding="utf-8").strip()).resolve()
        config = (git / "config").read_text(encoding="utf-8")
    except (OSError, ValueError):
        return None
    section = _ORIGIN.search(config)
    address = None if section is None else _ADDRESS.search(section[1])
    if address is None:
        return None
    given = address[1].strip('"')
    if given.startswith((".", "/", "file:")) or re.match(r"[A-Za-z]:[\\/]", given):
        return None  # a folder of this machine: the clone's own tells as much
    match = _URL.match(given)
    return None if match is None else f"{match[1].lower()}/{match[2]}"
