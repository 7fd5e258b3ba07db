import posixpath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perdure.errors import StorageKeyError
from perdure.filesystems import check_key


def is_taken(key: str) -> bool:
    try:
        check_key(key)
    except StorageKeyError:
        return False
    return True


@given(st.text(alphabet="ab./\\:\0é", max_size=12))
def test_a_key_that_is_taken_is_its_own_normal_form_inside_the_base(key: str) -> None:
    if is_taken(key):
        path = posixpath.normpath(posixpath.join("/base", key))
        assert path == f"/base/{key}"


@given(st.lists(st.text(alphabet="ab é_-0", min_size=1, max_size=8), min_size=1, max_size=6))
def test_plain_names_between_slashes_are_taken(names: list[str]) -> None:
    assert is_taken("/".join(names))


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("../secrets", r"'../secrets' has a '..' segment.*Name the place itself"),
        ("/etc/passwd", r"'/etc/passwd' is absolute.*Remove what stands before"),
        ("a\\b", r"has a backslash.*Put '/'"),
        ("a\nb", r"control character.*Remove it"),
        ("a//b", r"empty segment.*Put a name"),
        ("", r"is empty"),
        ("a/./b", r"'.' segment.*Leave it out"),
        (".tmp-1", r"unfinished writes.*otherwise"),
        ("k" * 1025, r"1,025 characters\) is longer than 1,024 characters.*Shorten"),
    ],
)
def test_the_error_names_the_key_the_rule_and_the_mend(key: str, said: str) -> None:
    with pytest.raises(StorageKeyError, match=said):
        check_key(key)


def test_a_key_that_is_not_text_is_refused() -> None:
    with pytest.raises(StorageKeyError, match="is a int"):
        check_key(3)  # type: ignore[arg-type]
