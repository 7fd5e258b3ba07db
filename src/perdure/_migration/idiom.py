"""What idioms of all systems are rewritten with: full names of what was imported, and small pieces of code."""

from collections.abc import Collection, Mapping
from typing import TypeVar

import libcst as cst
from libcst.metadata import PositionProvider, QualifiedNameProvider, QualifiedNameSource

from perdure._migration.rules import Finding

__all__ = ["Idioms", "all_of", "assigned", "code", "dropped", "elements", "keyword", "method", "named"]

T = TypeVar("T", bound=cst.CSTNode)


class Idioms(cst.CSTTransformer):
    METADATA_DEPENDENCIES = (QualifiedNameProvider, PositionProvider)

    def __init__(self) -> None:
        super().__init__()
        self.needed: set[str] = set()  # names of Perdure's that the program has to import
        self.theirs: set[tuple[str, str]] = set()  # modules and names of the system's own, which the rules then move
        self.settled: set[str] = set()  # names of the system's whose notes need not be said any more
        self.findings: list[Finding] = []  # what a person has to look at, beside what the rules list

    def full(self, node: cst.CSTNode) -> str | None:
        """The full name of what a name stands for, if it was imported."""
        names = self.get_metadata(QualifiedNameProvider, node, ()) or ()
        found = [each.name for each in names if each.source is QualifiedNameSource.IMPORT]
        return found[0] if len(found) == 1 else None

    def called(self, node: cst.CSTNode) -> str | None:
        """The full name of what an expression calls; None if it is no call of what was imported."""
        return self.full(node.func) if isinstance(node, cst.Call) else None

    def line_of(self, node: cst.CSTNode) -> int:
        """The line on which something begins."""
        return int(self.get_metadata(PositionProvider, node).start.line)

    def decorators(self, node: cst.FunctionDef) -> set[str | None]:
        return {self.called(each.decorator) or self.full(each.decorator) for each in node.decorators}


def all_of(node: cst.CSTNode, kind: type[T]) -> list[T]:
    """All nodes of a kind in a piece of code, outer ones first."""
    found = [node] if isinstance(node, kind) else []
    return found + [each for child in node.children for each in all_of(child, kind)]


def code(text: str) -> cst.BaseExpression:
    return cst.parse_expression(text)


def keyword(name: str, value: cst.BaseExpression) -> cst.Arg:
    tight = cst.AssignEqual(cst.SimpleWhitespace(""), cst.SimpleWhitespace(""))
    return cst.Arg(value, cst.Name(name), equal=tight)


def named(call: cst.Call) -> Mapping[str, cst.BaseExpression]:
    return {arg.keyword.value: arg.value for arg in call.args if arg.keyword is not None}


def method(call: cst.CSTNode, objects: Collection[str]) -> str | None:
    """The method that is called of one of some variables; None if something else is called."""
    func = call.func if isinstance(call, cst.Call) else None
    if not isinstance(func, cst.Attribute) or not isinstance(func.value, cst.Name) or func.value.value not in objects:
        return None
    return func.attr.value


def assigned(statement: cst.CSTNode) -> tuple[str, cst.BaseExpression] | None:
    """The variable that a statement sets, and to what; None if it does anything else."""
    if not isinstance(statement, cst.SimpleStatementLine) or len(statement.body) != 1:
        return None
    small = statement.body[0]
    if not isinstance(small, cst.Assign) or len(small.targets) != 1:
        return None
    target = small.targets[0].target
    return (target.value, small.value) if isinstance(target, cst.Name) else None


def dropped(line: cst.SimpleStatementLine) -> "cst.SimpleStatementLine | cst.RemovalSentinel":
    """Nothing in the place of a statement, or `pass` where comments stand by it."""
    has_comment = any(each.comment for each in line.leading_lines) or line.trailing_whitespace.comment
    return line.with_changes(body=[cst.Pass()]) if has_comment else cst.RemoveFromParent()


def elements(node: cst.BaseExpression | None) -> list[cst.BaseExpression]:
    return [each.value for each in node.elements] if isinstance(node, cst.List | cst.Tuple) else []
