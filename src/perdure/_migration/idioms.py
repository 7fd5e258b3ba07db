"""What programs of other systems write in a way of their own, in Perdure's: more than names that move.

Each class knows one system. What it cannot be sure of it leaves as it is, for the rules to list.
"""

import ast
from collections.abc import Collection, Mapping, Sequence

import libcst as cst
from libcst.codemod import CodemodContext
from libcst.codemod.visitors import AddImportsVisitor, ImportItem, RemoveImportsVisitor
from libcst.metadata import MetadataWrapper

from perdure._migration.airflow_dags import Airflow
from perdure._migration.dagster_assets import Dagster
from perdure._migration.dbos_workflows import Dbos
from perdure._migration.idiom import Idioms
from perdure._migration.joblib_functions import Joblib
from perdure._migration.luigi_functions import Luigi
from perdure._migration.rules import Finding, Source
from perdure._platform.named import NamedTuple

__all__ = ["in_our_idioms", "without_imports"]


class Idiomatic(NamedTuple):
    """A program with what its system has idioms for rewritten."""

    text: str
    settled: Collection[str] = ()  # names whose notes need not be said any more
    findings: Sequence[Finding] = ()


def in_our_idioms(text: str, source: Source) -> Idiomatic:
    """A program of a system, with what that has idioms for rewritten."""
    kind = _IDIOMS.get(source.name)
    if kind is None:
        return Idiomatic(text)
    idioms = kind()
    made = MetadataWrapper(cst.parse_module(text)).visit(idioms)
    items = [ImportItem("perdure", name) for name in sorted(idioms.needed)]
    items += [ImportItem(module, name) for module, name in sorted(idioms.theirs)]
    made = AddImportsVisitor(CodemodContext(), items).transform_module(made) if items else made
    return Idiomatic(without_imports(made.code, text, source), idioms.settled, idioms.findings)


def without_imports(text: str, before: str, source: Source) -> str:
    """The program without the imports of a system that it used before, and uses no more."""
    gone = [each for each in _unused(text, source) if each not in _unused(before, source)]
    for module, name, alias in gone:
        remover = RemoveImportsVisitor(CodemodContext(), [(module, name, alias)])
        text = remover.transform_module(cst.parse_module(text)).code
    return text


Imported = tuple[str, str | None, str | None]  # a module, the name that is imported of it, and what it is called


def _unused(text: str, source: Source) -> list[Imported]:
    tree = ast.parse(text)
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    used.update(word for node in ast.walk(tree) if isinstance(node, ast.Constant) for word in str(node.value).split())
    found: list[Imported] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            came = [each for each in node.names if source.knows(each.name) or each.name in source.beside]
            found += [(each.name, None, each.asname) for each in came]
        elif isinstance(node, ast.ImportFrom) and not node.level and source.knows(node.module or ""):
            found += [(node.module or "", each.name, each.asname) for each in node.names]
    return [each for each in found if (each[2] or each[1] or each[0].partition(".")[0]) not in used]


_IDIOMS: Mapping[str, type[Idioms]] = {
    "dbos": Dbos,
    "joblib": Joblib,
    "dagster": Dagster,
    "airflow": Airflow,
    "luigi": Luigi,
}
