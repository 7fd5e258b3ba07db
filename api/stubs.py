"""The surface as stubs, one for each public module: they are read, compared and kept as text."""

from pathlib import Path
from typing import Any

from api.signatures import attribute, definition
from api.surface import Exported, initialiser, members, surface

SNAPSHOT = Path(__file__).parent / "snapshot"


def stubs() -> dict[Path, str]:
    """The text of each stub, by its path below the folder of all."""
    packages = {module.rpartition(".")[0] for module in surface()}
    return {
        Path(*module.split("."), "__init__.pyi") if module in packages else Path(f"{module.replace('.', '/')}.pyi"): (
            _stub(exported)
        )
        for module, exported in surface().items()
    }


def write(folder: Path) -> None:
    """Write all stubs into a folder, and remove those of modules that are no longer."""
    texts = stubs()
    for path in folder.rglob("*.pyi"):
        if path.relative_to(folder) not in texts:
            path.unlink()
    for path, text in texts.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, "utf-8")


def read(folder: Path) -> dict[Path, str]:
    """The stubs that are in a folder."""
    return {path.relative_to(folder): path.read_text("utf-8") for path in folder.rglob("*.pyi")}


def _stub(exported: tuple[Exported, ...]) -> str:
    names = "".join(f'    "{each.name}",\n' for each in sorted(exported, key=lambda each: each.name))
    parts = [f"__all__ = [\n{names}]\n" if names else "__all__ = []\n"]
    return "\n".join(parts + [_written(each) for each in sorted(exported, key=lambda each: each.name)])


def _written(each: Exported) -> str:
    if not each.is_home:
        module, _, name = each.home.rpartition(".")
        return f"from {module} import {name} as {each.name}\n"
    if each.target.is_class:
        return _class(each.target, each.name)
    if each.target.is_function:
        return _function(each.target, each.name)
    return f"{each.name}: {each.target.annotation or 'object'}\n"


def _class(target: Any, name: str) -> str:
    bases = ", ".join(str(base) for base in target.bases)
    made = initialiser(target)
    body = [_function(made, "__init__")] if made is not None else []
    body += [_member(member) for member in sorted(members(target), key=lambda member: str(member.name))]
    lines = "".join(body) or "...\n"
    indented = "".join(f"    {line}\n" for line in lines.splitlines())
    return f"class {name}{f'({bases})' if bases else ''}:\n{indented}"


def _member(target: Any) -> str:
    if target.is_function:
        return _function(target, target.name)
    if "property" in target.labels:
        return f"@property\ndef {target.name}(self){_returning(target.annotation)}: ...\n"
    written = attribute(target)
    return f"{written}\n" if written != target.name else f"{written}: object\n"


def _returning(annotation: Any) -> str:
    return f" -> {annotation}" if annotation is not None else ""


def _function(target: Any, name: str) -> str:
    marks = "".join(f"@{mark}\n" for mark in ("classmethod", "staticmethod") if mark in target.labels)
    overloads = "".join(f"@overload\n{marks}{definition(each, name)}: ...\n" for each in target.overloads or ())
    return f"{overloads}{marks}{definition(target, name)}: ...\n"
