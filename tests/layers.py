"""The contract that imports go downward only: layers of patterns, each module in exactly one, and no circle of modules.

A pattern is a module below the package, with all that is below it; `*` stands for any one name. A module is in the
layer of its longest pattern. What two names for a `*` tell apart, such as two rooms, import nothing of each other.
"""

from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any

from importlinter import Contract, ContractCheck, fields, output


class LayersOfPatterns(Contract):
    """`layers`: from the highest down; in one, ` | ` stands between what is independent, ` : ` between what is not."""

    package = fields.StringField()
    layers = fields.ListField(subfield=fields.StringField())

    def check(self, graph: Any, verbose: bool) -> ContractCheck:
        """Look at every import."""
        package: Any = self.package
        house = House(package, [str(each) for each in self.layers])  # type: ignore[attr-defined]
        modules = sorted(each for each in graph.modules if f"{each}.".startswith(f"{package}."))
        wrong = [f"{each} is in no layer" for each in modules if house.place_of(each) is None]
        wrong += [f"no module is in {pattern}" for pattern in house.unused(modules)]
        imports = {each: sorted(graph.find_modules_directly_imported_by(each) & set(modules)) for each in modules}
        wrong += [] if wrong else house.upward(imports)
        wrong += circle(imports)
        return ContractCheck(kept=not wrong, metadata={"wrong": wrong})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Say what is wrong, a line each."""
        for each in check.metadata["wrong"]:
            output.print_error(each)


class Place:
    """Where a module is: the layer's number, from the highest; which of its patterns; and what its `*` stand for."""

    def __init__(self, layer: int, pattern: int, names: tuple[str, ...], is_open: bool) -> None:
        self.layer, self.pattern, self.names, self.is_open = layer, pattern, names, is_open

    def may_import(self, other: "Place") -> bool:
        """Whether a module that is here may import one that is there."""
        if self.layer != other.layer:
            return self.layer < other.layer
        return self.is_open or (self.pattern, self.names) == (other.pattern, other.names)


class House:
    """The layers of a package."""

    def __init__(self, package: str, layers: list[str]) -> None:
        self._package = package
        self._patterns: list[tuple[list[str], int, int, bool]] = []
        for number, layer in enumerate(layers):
            for part, pattern in enumerate(layer.replace(" : ", " | ").split(" | ")):
                self._patterns.append((pattern.split("."), number, part, " : " in layer))

    def place_of(self, module: str) -> Place | None:
        """The place of a module; None if it has none."""
        found = self._pattern_of(module)
        if found is None:
            return None
        pattern, layer, part, is_open = found
        parts = self._parts(module)
        names = tuple(name for name, each in zip(parts, pattern, strict=False) if each == "*")
        return Place(layer, part, names, is_open)

    def unused(self, modules: list[str]) -> Iterator[str]:
        """The patterns that no module is in."""
        used = [self._pattern_of(each) for each in modules]
        return (".".join(each[0]) for each in self._patterns if each not in used)

    def upward(self, imports: Mapping[str, list[str]]) -> list[str]:
        """The imports that do not go downward."""
        places = {each: self.place_of(each) for each in imports}
        return [
            f"{above} imports {below}"
            for above, found in imports.items()
            for below in found
            if not places[above].may_import(places[below])  # type: ignore[union-attr, arg-type]
        ]

    def _parts(self, module: str) -> list[str]:
        return module.removeprefix(self._package).removeprefix(".").split(".") if module != self._package else [module]

    def _pattern_of(self, module: str) -> tuple[list[str], int, int, bool] | None:
        parts = self._parts(module)
        matching = [
            each
            for each in self._patterns
            if len(each[0]) <= len(parts) and all(a in ("*", b) for a, b in zip(each[0], parts, strict=False))
        ]
        return max(matching, key=lambda each: (len(each[0]), -each[0].count("*")), default=None)


def circle(imports: Mapping[str, list[str]]) -> list[str]:
    """A circle of modules that import each other, if there is one."""
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        return [f"a circle: {' imports '.join(reversed(error.args[1]))}"]
    return []
