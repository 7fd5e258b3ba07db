"""The linter's contract of layers says what is not as it should be."""

from tests.layers import House, circle

HOUSE = House("a", ["top", "rooms.*", "left | right", "one : two", "rooms.*.port", "low"])


def test_imports_downward_are_fine() -> None:
    assert (
        HOUSE.upward({"a.top": ["a.low"], "a.rooms.x.routes": ["a.rooms.x.port"], "a.low": [], "a.rooms.x.port": []})
        == []
    )


def test_imports_upward_are_named() -> None:
    assert HOUSE.upward({"a.low": ["a.top"], "a.top": []}) == ["a.low imports a.top"]


def test_the_longest_pattern_has_a_module() -> None:
    assert HOUSE.upward({"a.rooms.x.port": ["a.left"], "a.left": []}) == ["a.rooms.x.port imports a.left"]


def test_rooms_import_nothing_of_each_other() -> None:
    imports = {"a.rooms.x.routes": ["a.rooms.y.routes", "a.rooms.x.more"], "a.rooms.y.routes": [], "a.rooms.x.more": []}
    assert HOUSE.upward(imports) == ["a.rooms.x.routes imports a.rooms.y.routes"]


def test_what_is_independent_imports_nothing_of_each_other_and_what_is_not_may() -> None:
    assert HOUSE.upward({"a.left": ["a.right"], "a.right": []}) == ["a.left imports a.right"]
    assert HOUSE.upward({"a.one": ["a.two"], "a.two": []}) == []


def test_modules_without_a_layer_and_layers_without_a_module_are_found() -> None:
    assert HOUSE.place_of("a.elsewhere") is None
    assert list(HOUSE.unused(["a.top", "a.left", "a.right", "a.one", "a.two", "a.rooms.x.port", "a.low"])) == [
        "rooms.*"
    ]


def test_a_circle_is_found() -> None:
    assert circle({"a": ["b"], "b": ["a"]})[0].startswith("a circle: ")
    assert circle({"a": ["b"], "b": []}) == []
