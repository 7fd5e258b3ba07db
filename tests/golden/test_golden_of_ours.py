"""What was written of Perdure's own classes, under whichever names their modules had, is read for ever."""

import json
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
from values_of_ours import READERS, VALUES, seen

GOLDEN: dict[str, dict[str, list[str]]] = json.loads((Path(__file__).parent / "perdure_0_1/of_ours.json").read_text())
FORMS = [(form, name) for name, forms in GOLDEN.items() for form in forms]


@pytest.mark.parametrize(("form", "name"), FORMS)
def test_a_value_of_ours_is_read_as_it_was(form: str, name: str) -> None:
    text, was = GOLDEN[name][form]
    with warnings.catch_warnings():  # a plain pickle imports modules by the names that they had
        warnings.simplefilter("ignore", DeprecationWarning)
        found = READERS[form](text)
    assert repr(seen(found)) == was
    assert form == "digest" or type(found) is type(VALUES[name])


@pytest.mark.slow
def test_golden_pickles_are_read_by_a_process_that_has_imported_nothing() -> None:
    program = (
        "import base64, io, json, pickle, sys\n"
        "for text in json.load(sys.stdin): pickle.load(io.BytesIO(base64.b64decode(text)))\n"
    )
    texts = [GOLDEN[name]["pickle"][0] for form, name in FORMS if form == "pickle" and name != "form"]
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", program]
    ended = subprocess.run(command, input=json.dumps(texts), capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
