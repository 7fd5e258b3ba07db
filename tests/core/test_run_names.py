"""Names of flow runs, drawn by chance."""

import re

from perdure._model.run_names import new_run_name


def test_a_name_is_two_words_that_can_be_said() -> None:
    for _ in range(1_000):
        assert re.fullmatch(r"[a-z]{3,12}-[a-z]{2,12}", new_run_name())


def test_few_runs_have_the_same_name() -> None:
    assert len({new_run_name() for _ in range(1_000)}) > 950
