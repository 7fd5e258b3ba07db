"""`perdure block`"""

import json

import pytest
from command_line import Perdure
from pydantic import SecretStr

from perdure.blocks import Block
from perdure.filesystems import LocalFileSystem


class Login(Block):
    """A block with a secret."""

    block_type = "cli-test-login"
    user: str
    password: SecretStr


def test_saved_blocks_are_listed(perdure: Perdure):
    LocalFileSystem(basepath="/data").save("dev")
    assert "local-file-system/dev" in perdure("block", "ls").stdout
    assert [each["slug"] for each in json.loads(perdure("block", "ls", "--json").stdout)] == ["local-file-system/dev"]


def test_an_empty_list_of_blocks_says_how_to_save_one(perdure: Perdure):
    assert '.save("dev")' in perdure("block", "ls").stdout


def test_inspect_shows_the_fields(perdure: Perdure):
    LocalFileSystem(basepath="/data").save("dev")
    assert "basepath   /data" in perdure("block", "inspect", "local-file-system/dev").stdout


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_inspect_shows_asterisks_for_secrets(perdure: Perdure, options: tuple[str, ...]):
    Login(user="me", password=SecretStr("s3cret")).save("prod")
    shown = perdure("block", "inspect", "cli-test-login/prod", *options).stdout
    assert "*" * 10 in shown
    assert "secret" not in shown


def test_a_deleted_block_is_gone(perdure: Perdure):
    LocalFileSystem(basepath="/data").save("dev")
    assert perdure("block", "delete", "local-file-system/dev").exit_code == 0
    assert json.loads(perdure("block", "ls", "--json").stdout) == []


@pytest.mark.parametrize("command", ["inspect", "delete"])
def test_a_block_that_is_not_there_is_named_with_the_nearest(perdure: Perdure, command: str):
    LocalFileSystem(basepath="/data").save("dev")
    ended = perdure("block", command, "local-file-system/dve")
    assert ended.exit_code == 1
    assert "Did you mean 'local-file-system/dev'?" in ended.stderr
