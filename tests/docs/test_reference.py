"""The API reference has every public name, and each says what it is; what pages and examples import is public."""

import ast
import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from api import reference, stubs
from api.breaks import compared
from api.surface import Exported, members, modules, surface

pytestmark = pytest.mark.slow  # griffe reads all sources once
ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs/reference"
FENCE = re.compile(r"^```python.*?\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def exported() -> list[Exported]:
    return [each for module in surface().values() for each in module]


def test_every_public_module_has_its_place_on_one_page() -> None:
    places = [place for page in PAGES.glob("*.md") for place in reference.PLACE.findall(page.read_text("utf-8"))]
    assert sorted(places) == sorted(modules())


def test_every_page_of_a_module_has_an_example() -> None:
    pages = [page for page in PAGES.glob("*.md") if page.name != "index.md"]
    assert [page.name for page in pages if not FENCE.search(page.read_text("utf-8"))] == []


def test_every_page_of_a_module_is_on_the_page_of_all() -> None:
    index = (PAGES / "index.md").read_text("utf-8")
    assert [
        page.name for page in PAGES.glob("*.md") if f"]({page.name})" not in index and page.name != "index.md"
    ] == []


def test_every_public_module_says_what_it_is_and_what_it_exports() -> None:
    loaded = [import_module(name) for name in modules()]
    assert [module.__name__ for module in loaded if not module.__doc__ or not isinstance(module.__all__, list)] == []


def test_every_public_name_has_a_docstring(exported: list[Exported]) -> None:
    assert [each.path for each in exported if each.is_home and not is_described(each)] == []


def is_described(each: Exported) -> bool:
    """An object without a docstring of its own is described by that of its class."""
    shown = each.value if inspect.isfunction(each.value) else type(each.value)
    of_ours = shown.__module__.startswith("perdure") and bool(shown.__doc__)
    return bool(each.target.docstring) or (each.target.is_attribute and of_ours)


def test_every_method_and_property_of_a_public_class_has_a_docstring(exported: list[Exported]) -> None:
    classes = [each for each in exported if each.is_home and each.target.is_class]
    said_nothing = [
        f"{each.path}.{member.name}"
        for each in classes
        for member in members(each.target)
        if (member.is_function or "property" in member.labels) and not is_said(member, each.value)
    ]
    assert said_nothing == []


def is_said(member: object, kind: type) -> bool:
    """A method that overrides another one may leave what it does to that one's docstring."""
    name = member.name  # type: ignore[attr-defined]
    return bool(member.docstring) or any(getattr(base.__dict__.get(name), "__doc__", None) for base in kind.__mro__)  # type: ignore[attr-defined]


def test_every_public_class_is_of_a_public_module(exported: list[Exported]) -> None:
    classes = [each for each in exported if isinstance(each.value, type)]
    assert [each.path for each in classes if "._" in each.value.__module__] == []


def test_the_page_of_a_module_has_each_of_its_names(exported: list[Exported]) -> None:
    texts = {page.name: reference.filled(page.read_text("utf-8")) for page in PAGES.glob("*.md")}
    missing = [
        each.path
        for each in exported
        if (f"{{ #{each.path} }}" if each.is_home else f"`{each.path}`: [") not in texts[reference.page_of(each.module)]
    ]
    assert missing == []


def test_what_a_function_raises_is_linked() -> None:
    assert "- [`MissingContext`](errors.md#perdure.errors.MissingContext): " in reference.filled(
        "<!-- api: perdure.runtime -->"
    )


def test_code_in_the_docstring_of_a_module_is_shown_as_it_is() -> None:
    shown = reference.filled("<!-- api: perdure.deployments -->")
    assert '    report.serve(name="nightly", cron="0 6 * * *", timezone="Europe/Oslo")' in shown


def test_the_snapshot_of_the_surface_is_current() -> None:
    assert stubs.read(stubs.SNAPSHOT) == stubs.stubs(), "If the change is meant: make api WRITE=yes"


def surface_in(folder: Path, text: str) -> Path:
    (folder / "perdure").mkdir(parents=True)
    (folder / "perdure/__init__.pyi").write_text(f"{text}\n")
    return folder


@pytest.mark.parametrize(
    ("before", "now", "says"),
    [
        ("def f(x: int): ...", "def f(): ...", "perdure.f: Parameter was removed"),
        ("def f(x: int): ...", "def f(x: int, y: int): ...", "perdure.f: Parameter was added as required"),
        ("def f(x: int): ...", "def g(x: int): ...", "perdure.f: Public object was removed"),
        ("class f(Exception): ...", "class f: ...", "perdure.f: Base class was removed"),
    ],
)
def test_a_break_of_the_surface_is_seen(tmp_path: Path, before: str, now: str, says: str) -> None:
    found = compared(surface_in(tmp_path / "before", before), surface_in(tmp_path / "now", now))
    assert [line[: len(says)] for line in found] == [says]


def test_an_added_name_is_no_break(tmp_path: Path) -> None:
    assert compared(surface_in(tmp_path / "before", "f: int"), surface_in(tmp_path / "now", "f: int\ng: int")) == []


def blocks() -> Iterator[tuple[str, str]]:
    """The Python of pages and examples, with where it stands."""
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        for block in FENCE.findall(page.read_text("utf-8")):
            yield page.name, block
    for script in sorted((ROOT / "examples").rglob("*.py")):
        yield script.name, script.read_text("utf-8")


def imported(code: str) -> Iterator[tuple[str, str]]:
    """The modules and names that code imports of Perdure."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names if alias.name.split(".")[0] == "perdure")
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "perdure":
            yield from ((node.module or "", alias.name) for alias in node.names)


def is_public(module: str, name: str) -> bool:
    of_settings = module == "perdure.settings" and name.startswith("PERDURE_")  # one for each setting
    is_exported = name in {each.name for each in surface().get(module, ())}
    return (module in modules() and not name) or is_exported or of_settings or f"{module}.{name}" in modules()


def test_pages_and_examples_import_public_names_only() -> None:
    found = [(place, *each) for place, code in blocks() for each in imported(code)]
    assert len(found) > 200
    assert [each for each in found if not is_public(*each[1:])] == []
