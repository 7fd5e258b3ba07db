"""How the benchmark runs a process."""

import sys
from pathlib import Path

import pytest

from bench.process import ProcessError, run


def test_a_process_is_timed_and_its_memory_seen(tmp_path: Path):
    ended = run([sys.executable, "-c", "data = b'x' * 64_000_000; print(len(data))"], tmp_path, {})
    assert ended.printed == "64000000\n"
    assert ended.seconds > 0
    assert ended.peak_mib > 61


def test_a_process_has_its_directory_as_home_and_none_of_our_settings(tmp_path: Path):
    program = "import os; print(os.environ['HOME'], [name for name in os.environ if name.startswith('PERDURE_')])"
    assert run([sys.executable, "-c", program], tmp_path, {}).printed == f"{tmp_path} []\n"


def test_a_failure_says_why(tmp_path: Path):
    with pytest.raises(ProcessError, match=r"exit 1 after \d+ s: ValueError: too few"):
        run([sys.executable, "-c", "raise ValueError('too few')"], tmp_path, {})
