"""One program's text, rewritten by the rules of the systems that it imports; comments and layout stay.

A first walk finds which names the file has from where: LibCST knows for each name in which scope it is bound, so that a
variable that happens to be called `task` is left alone. Imports are rewritten name by name. A name that moves under
another one is renamed where it is used; one that has no counterpart keeps its import and is listed.
"""

import functools
import importlib.util
import re
from collections.abc import Collection, Iterable, Sequence

import libcst as cst
from libcst.metadata import (
    MetadataWrapper,
    ParentNodeProvider,
    PositionProvider,
    QualifiedNameProvider,
    QualifiedNameSource,
)

from perdure._migration.idioms import in_our_idioms, without_imports
from perdure._migration.rules import Decide, Finding, Move, Source
from perdure._model.errors import MigrationError
from perdure._platform.named import NamedTuple


class Rewritten(NamedTuple):
    """A program as it is now, and what is left to decide."""

    text: str
    findings: Sequence[Finding]


def rewrite(text: str, sources: Iterable[Source]) -> Rewritten:
    """Rewrite a program by the rules of the systems that it imports.

    Raises:
        MigrationError: it is no Python that can be read; says where.
    """
    findings: list[Finding] = []
    for source in sources:
        if not any(package in text for package in source.packages) and not any(
            each in text for each in source.settings
        ):
            continue
        before = text
        try:
            idiomatic = in_our_idioms(text, source)
            wrapper = MetadataWrapper(cst.parse_module(idiomatic.text))
        except cst.ParserSyntaxError as error:
            raise MigrationError(f"Line {error.raw_line} is no Python that can be read: {error.message}") from error
        rewriter = _Rewriter(source, idiomatic.settled)
        text = without_imports(wrapper.visit(rewriter).code, before, source)
        findings += [*idiomatic.findings, *rewriter.findings]
    return Rewritten(text, sorted(set(findings)))


class _Rewriter(cst.CSTTransformer):
    METADATA_DEPENDENCIES = (QualifiedNameProvider, PositionProvider, ParentNodeProvider)

    def __init__(self, source: Source, settled: Collection[str] = ()) -> None:
        super().__init__()
        self._settled = settled  # names whose notes need not be said
        self._source = source
        self.findings: list[Finding] = []
        self._renamed: dict[str, str] = {}  # names as the file had them, by their full names: what they are called now
        self._needed: dict[str, set[str]] = {}  # names to import that no import statement of the file became
        self._bare_variables: dict[str, str] = {}
        self._taken: set[str] = set()  # names that the file uses
        self._kept: set[str] = set()  # modules of the other system that are still used by `import`

    # Imports

    def visit_ImportFrom(self, node: cst.ImportFrom) -> bool:
        return False

    def visit_Import(self, node: cst.Import) -> bool:
        return False

    def leave_SimpleStatementLine(
        self, original_node: cst.SimpleStatementLine, updated_node: cst.SimpleStatementLine
    ) -> cst.SimpleStatementLine | cst.FlattenSentinel[cst.SimpleStatementLine]:
        if len(original_node.body) != 1 or not isinstance(statement := original_node.body[0], cst.ImportFrom):
            return updated_node
        module = _dotted(statement.module) if statement.module is not None and not statement.relative else ""
        if not self._source.knows(module):
            return updated_node
        made = self._from(statement, module)
        if not made:
            return updated_node
        first = updated_node.with_changes(body=[made[0]])
        return cst.FlattenSentinel([first, *(cst.SimpleStatementLine([each]) for each in made[1:])])

    def _from(self, node: cst.ImportFrom, module: str) -> list[cst.ImportFrom]:
        """The statements that an import of names becomes; the first in the place and layout of the old one."""
        if isinstance(node.names, cst.ImportStar):
            found = self._source.find(module)
            if isinstance(found, Move):
                return [node.with_changes(module=_name_of(found.to))]
            self._find(node, f"from {module} import *", found or Decide("It is not known.", ""))
            return [node]
        groups: dict[str, list[cst.ImportAlias]] = {}
        for alias in node.names:
            name = alias.name.value if isinstance(alias.name, cst.Name) else _dotted(alias.name)
            found = self._source.find(f"{module}.{name}")
            if isinstance(found, Move):
                self._note(node, name, found)
                to, _, new = found.to.rpartition(".")
                renamed = alias.with_changes(name=cst.Name(new))
                if new != name and alias.asname is None and new in self._taken:
                    space = cst.SimpleWhitespace(" ")
                    renamed = renamed.with_changes(asname=cst.AsName(cst.Name(name), space, space))
                elif new != name and alias.asname is None:
                    self._renamed[f"{module}.{name}"] = new
                groups.setdefault(to, []).append(renamed)
            else:
                if found is not None:
                    self._find(node, name, found)
                groups.setdefault(module, []).append(alias)
        return [_import(node, to, aliases, len(groups) > 1) for to, aliases in groups.items()]

    def leave_Import(self, original_node: cst.Import, updated_node: cst.Import) -> cst.Import:
        names: list[cst.ImportAlias] = []
        known = {_dotted(alias.name) for alias in original_node.names}
        for alias in original_node.names:
            module = _dotted(alias.name)
            found = self._source.find(module) if self._source.knows(module) else None
            if not isinstance(found, Move):
                if found is not None:
                    self._find(original_node, f"import {module}", found)
                names.append(alias)
                continue
            if module.partition(".")[0] in self._kept and alias.asname is None:
                if found.to in known:
                    names.append(alias)
                    continue
                names.append(alias.with_changes(comma=cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))))
            names.append(alias.with_changes(name=_name_of(found.to)))
        return updated_node.with_changes(names=names)

    # Uses

    def visit_Module(self, node: cst.Module) -> None:
        """Which modules of the other system must stay imported, since something that is used has no counterpart."""
        for each in self.metadata[QualifiedNameProvider]:
            full = self._full(each)
            if isinstance(each, cst.Name):
                self._taken.add(each.value)
            elif isinstance(each, cst.Attribute) and full is not None and self._stays(each, full):
                self._kept.add(full.partition(".")[0])

    def _stays(self, node: cst.Attribute, full: str) -> bool:
        """Whether neither a whole chain of attributes, written by its full name, nor a part of it has a counterpart."""
        parent = self.get_metadata(ParentNodeProvider, node)
        is_part = isinstance(parent, cst.ImportFrom) or (isinstance(parent, cst.Attribute) and parent.value is node)
        if is_part or _dotted(node) != full or not self._source.knows(full):
            return False
        ends = [index for index, letter in enumerate(full) if letter == "."][1:]
        return not any(isinstance(self._source.find(full[:end]), Move) for end in (*ends, len(full)))

    def visit_Attribute(self, node: cst.Attribute) -> bool:
        return self._move_of(node) is None

    def visit_Assign(self, node: cst.Assign) -> None:
        """Which variables are what a call gave whose attribute falls away."""
        attribute = self._bare(node.value)
        if attribute is not None and len(node.targets) == 1:
            for name in self.get_metadata(QualifiedNameProvider, node.targets[0].target, ()) or ():
                self._bare_variables[name.name] = attribute

    def _bare(self, node: cst.BaseExpression) -> str | None:
        """The attribute that falls away of an expression, if there is one."""
        if isinstance(node, cst.Await):
            node = node.expression
        if isinstance(node, cst.Call):
            return self._source.bare.get(self._full(node.func) or "")
        names = self.get_metadata(QualifiedNameProvider, node, ()) if isinstance(node, cst.Name) else ()
        return next((self._bare_variables.get(each.name) for each in names or ()), None)

    def leave_Attribute(self, original_node: cst.Attribute, updated_node: cst.Attribute) -> cst.BaseExpression:
        if self._bare(original_node.value) == original_node.attr.value:
            return updated_node.value
        move = self._move_of(original_node)
        if move is None:
            self._look_at(original_node)
            return updated_node
        self._note(original_node, _dotted(original_node), move)
        written, full = _dotted(original_node), self._full(original_node) or ""
        if written == full:  # by the module's own name
            return _expression(move.to)
        first = written.partition(".")[0]
        module = self._full(_first(original_node))
        if module in self._source.packages:  # by another name of the package: `import prefect as p`
            found = self._source.find(module)
            package = found.to if isinstance(found, Move) else move.to.partition(".")[0]
            return _expression(f"{first}.{move.to.removeprefix(f'{package}.')}")
        above = self._move_of(original_node.value)
        if above is not None and f"{above.to}.{original_node.attr.value}" == move.to:  # of a module that was imported
            return updated_node
        to, _, name = move.to.rpartition(".")
        self._needed.setdefault(to, set()).add(name)
        return cst.Name(name)

    def leave_Name(self, original_node: cst.Name, updated_node: cst.Name) -> cst.BaseExpression:
        if not self._renamed or self._is_label(original_node):
            return updated_node
        new = self._renamed.get(self._full(original_node) or "")
        return updated_node if new is None else updated_node.with_changes(value=new)

    def _is_label(self, node: cst.Name) -> bool:
        """Whether a name is that of an attribute or a keyword, and so none that a scope binds."""
        parent = self.get_metadata(ParentNodeProvider, node)
        return (isinstance(parent, cst.Attribute) and parent.attr is node) or (
            isinstance(parent, cst.Arg) and parent.keyword is node
        )

    def leave_Call(self, original_node: cst.Call, updated_node: cst.Call) -> cst.Call:
        move = self._move_of(original_node.func)
        full = self._full(original_node.func)
        if full is not None and self._source.knows(full) and self._source.find(full) is None:
            made = self._source.find(f"{full}()")
            if isinstance(made, Decide):
                self._find(original_node, f"{_dotted(original_node.func)}()", made)
        if move is None or not (move.arguments or move.added):
            return updated_node
        args = []
        for arg in updated_node.args:
            keyword = "" if arg.keyword is None else arg.keyword.value
            if keyword not in move.arguments:
                args.append(arg)
                continue
            new = move.arguments[keyword]
            if isinstance(new, str):
                args.append(arg.with_changes(keyword=cst.Name(new)))
            elif isinstance(new, Decide) and not _is_no_value(arg.value):
                self._find(original_node, f"{keyword}=", new)
        return updated_node.with_changes(args=_separated([*args, *_keywords(move, args)]))

    def leave_Decorator(self, original_node: cst.Decorator, updated_node: cst.Decorator) -> cst.Decorator:
        move = self._move_of(original_node.decorator)
        if move is None or not move.added:  # a call was seen to above
            return updated_node
        return updated_node.with_changes(decorator=cst.Call(updated_node.decorator, _separated(_keywords(move, ()))))

    def leave_SimpleString(self, original_node: cst.SimpleString, updated_node: cst.SimpleString) -> cst.SimpleString:
        value = original_node.raw_value
        if isinstance(self.get_metadata(ParentNodeProvider, original_node), cst.Annotation):
            renamed = {old.rpartition(".")[2]: new for old, new in self._renamed.items()}
            text = re.sub(r"\w+", lambda word: renamed.get(word[0], word[0]), updated_node.value)
            return updated_node.with_changes(value=text)
        if value in self._source.settings:
            return updated_node.with_changes(value=updated_node.value.replace(value, self._source.settings[value]))
        if value.startswith(tuple(f"{each.upper()}_" for each in self._source.packages)) and value.isupper():
            self._find(original_node, value, Decide("No setting does the same.", "concepts/settings.md"))
        return updated_node

    def leave_Module(self, original_node: cst.Module, updated_node: cst.Module) -> cst.Module:
        if not self._needed:
            return updated_node
        new = [
            cst.SimpleStatementLine(
                [_import(None, module, [cst.ImportAlias(cst.Name(name)) for name in sorted(names)])]
            )
            for module, names in sorted(self._needed.items())
        ]
        body = list(updated_node.body)
        place = next((index + 1 for index, each in reversed(list(enumerate(body))) if _is_import(each)), 0)
        return updated_node.with_changes(body=[*body[:place], *new, *body[place:]])

    # Looking up

    def _full(self, node: cst.CSTNode) -> str | None:
        """The full name of what a name or a chain of attributes stands for, if it was imported."""
        return _imported(self.get_metadata(QualifiedNameProvider, node, ()) or ())

    def _move_of(self, node: cst.BaseExpression) -> Move | None:
        full = self._full(node) if isinstance(node, cst.Name | cst.Attribute) else None
        found = self._source.find(full) if full is not None and self._source.knows(full) else None
        return found if isinstance(found, Move) else None

    def _look_at(self, node: cst.Attribute) -> None:
        full = self._full(node)
        if full is not None and self._source.knows(full):
            found, above = self._source.find(full), self._source.find(full.rpartition(".")[0])
            # What is an attribute of something that was decided about, or that moved, was seen to with that.
            if isinstance(found, Decide) and (above is None or (isinstance(above, Move) and _is_module(above.to))):
                self._find(node, _dotted(node), found)
            return
        parent = self.get_metadata(ParentNodeProvider, node)
        decide = self._source.methods.get(node.attr.value)
        if decide is not None and isinstance(parent, cst.Call) and parent.func is node:
            self._find(node, f".{node.attr.value}()", decide)

    def _note(self, node: cst.CSTNode, what: str, move: Move) -> None:
        if move.note is not None and what.rpartition(".")[2] not in self._settled:
            self._find(node, what, move.note)

    def _find(self, node: cst.CSTNode, what: str, decide: Decide) -> None:
        line = self.get_metadata(PositionProvider, node).start.line
        self.findings.append(Finding(line, what, decide.reason, decide.section))


def _is_no_value(node: cst.BaseExpression) -> bool:
    """Whether it asks for nothing: `schedule=None`, `catchup=False`."""
    return isinstance(node, cst.Name) and node.value in ("None", "False")


def _imported(names: object) -> str | None:
    found = [each.name for each in names if each.source is QualifiedNameSource.IMPORT]  # type: ignore[attr-defined]
    return found[0] if len(found) == 1 else None


def _dotted(node: cst.BaseExpression) -> str:
    if isinstance(node, cst.Attribute):
        return f"{_dotted(node.value)}.{node.attr.value}"
    return node.value if isinstance(node, cst.Name) else "…"


@functools.cache
def _is_module(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:  # a part of its path is no package
        return False


def _first(node: cst.BaseExpression) -> cst.BaseExpression:
    return _first(node.value) if isinstance(node, cst.Attribute) else node


def _expression(dotted: str) -> cst.BaseExpression:
    return cst.parse_expression(dotted)


def _name_of(dotted: str) -> cst.Attribute | cst.Name:
    made = cst.parse_expression(dotted)
    assert isinstance(made, cst.Attribute | cst.Name)
    return made


def _import(
    like: cst.ImportFrom | None, module: str, aliases: Sequence[cst.ImportAlias], is_part: bool = True
) -> cst.ImportFrom:
    """An import of names; in the layout of the old one if all of its names are in it."""
    if like is not None and not is_part:
        return like.with_changes(module=_name_of(module), names=aliases)
    plain = [alias.with_changes(comma=cst.MaybeSentinel.DEFAULT) for alias in aliases]
    return cst.ImportFrom(_name_of(module), plain)


def _keywords(move: Move, given: Sequence[cst.Arg]) -> list[cst.Arg]:
    """The keywords that a call is given, unless it has them."""
    known = {arg.keyword.value for arg in given if arg.keyword is not None}
    tight = cst.AssignEqual(cst.SimpleWhitespace(""), cst.SimpleWhitespace(""))
    return [
        cst.Arg(cst.parse_expression(value), cst.Name(name), equal=tight)
        for name, value in move.added
        if name not in known
    ]


def _separated(args: Sequence[cst.Arg]) -> list[cst.Arg]:
    """Arguments with a comma behind each, and what layout there was; the last one keeps a comma that it had."""
    comma = cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
    last = len(args) - 1
    return [
        arg.with_changes(comma=comma)
        if index < last and not isinstance(arg.comma, cst.Comma)
        else arg
        if index < last or isinstance(arg.comma, cst.MaybeSentinel) or _breaks(arg.comma)
        else arg.with_changes(comma=cst.MaybeSentinel.DEFAULT)
        for index, arg in enumerate(args)
    ]


def _breaks(comma: object) -> bool:
    return isinstance(comma, cst.Comma) and isinstance(comma.whitespace_after, cst.ParenthesizedWhitespace)


def _is_import(statement: cst.BaseStatement | cst.BaseCompoundStatement) -> bool:
    return isinstance(statement, cst.SimpleStatementLine) and isinstance(statement.body[0], cst.Import | cst.ImportFrom)
