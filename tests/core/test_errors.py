"""`perdure.errors` has every error that users may meet."""

import pytest

from perdure import errors
from perdure._model import errors as core


def test_every_error_of_the_core_is_public() -> None:
    own = {name for name, each in vars(core).items() if isinstance(each, type) and each.__module__ == "perdure.errors"}

    assert own <= set(errors.__all__)
    assert all(getattr(errors, name) is getattr(core, name) for name in own)


@pytest.mark.parametrize("name", errors.__all__)
def test_every_error_says_what_it_means(name: str) -> None:
    assert getattr(errors, name).__doc__
