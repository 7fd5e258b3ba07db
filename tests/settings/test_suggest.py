from perdure._platform.suggest import nearest


def test_the_nearest_word_is_suggested() -> None:
    assert nearest("piclke", ["json", "pickle"]) == " Did you mean 'pickle'?"


def test_case_makes_no_difference() -> None:
    assert nearest("PICKLE", ["json", "Pickle"]) == " Did you mean 'Pickle'?"


def test_nothing_is_suggested_when_nothing_is_near() -> None:
    assert nearest("zebra", ["json", "pickle"]) == ""
    assert nearest("zebra", []) == ""
