"""The notes of a release, and their signature."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from zipfile import ZipFile

import pytest

from release.notes import Entry, Kind, Notes, make, section, sign
from release.verify import verify

ROOT = Path(__file__).parents[2]
CHANGELOG = (
    "# Changelog\n\n## Unreleased\n\n## 0.2.0 - 2026-01-31\n\n### Breaking\n\n- One\n  more.\n\n### Fixed\n\n- Two.\n"
)
needs_ssh_keygen = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="OpenSSH is not installed")


def new_key(folder: Path, name: str, kind: str = "ed25519") -> Path:
    """A key without a passphrase."""
    command = ["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", name, "-f", str(folder / name)]
    subprocess.run(command, check=True)
    return folder / name


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    """A release that is built and signed, and the file of its signers."""
    path = tmp_path / "dist"
    path.mkdir()
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "0.2.0"\n', "utf-8")
    (tmp_path / "CHANGELOG.md").write_text(CHANGELOG, "utf-8")
    with ZipFile(path / "perdure-0.2.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("perdure-0.2.0.dist-info/sboms/sbom.cdx.json", "{}")
    (path / "perdure-0.2.0.tar.gz").write_bytes(b"sources")
    key = new_key(tmp_path, "key")
    make(tmp_path, path, key)
    (tmp_path / "signers").write_text("perdure " + key.with_suffix(".pub").read_text("utf-8"), "utf-8")
    return path


def test_each_entry_of_the_changelog_has_a_kind() -> None:
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    sections = [part for part in re.split("^## ", text, flags=re.MULTILINE)[1:] if "\n- " in part]
    found = {part.split()[0]: len(section(text, part.split()[0])[1]) for part in sections}
    assert found == {part.split()[0]: len(re.findall("^- ", part, re.MULTILINE)) for part in sections}
    assert found


def test_a_section_has_its_date_and_its_entries_in_one_line_each() -> None:
    entries = [Entry(kind=Kind.BREAKING, text="One more."), Entry(kind=Kind.FIXED, text="Two.")]
    assert section(CHANGELOG, "0.2.0") == ("2026-01-31", entries)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- One.\n", "belongs below a heading"),
        ("### Improved\n\n- One.\n", "'improved' is not a valid Kind"),
        ("### Fixed\n\nOne.\n", "belongs below a heading"),
        ("### Fixed\n", "has no entry"),
    ],
)
def test_a_section_whose_entries_have_no_kind_is_refused(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        section(f"## Unreleased\n\n{text}", "Unreleased")


def test_the_documented_schema_is_that_of_the_notes() -> None:
    schema = json.loads((ROOT / "docs/reference/release-notes.schema.json").read_text("utf-8"))
    assert schema == Notes.model_json_schema()


@needs_ssh_keygen
def test_what_is_as_it_was_released_is_verified(dist: Path) -> None:
    notes = dist / "perdure-0.2.0.notes.json"
    names = ["perdure-0.2.0-py3-none-any.whl", "perdure-0.2.0.tar.gz", "perdure-0.2.0.sbom.cdx.json"]
    assert verify(notes, dist.parent / "signers") == names
    assert [entry.kind for entry in Notes.model_validate_json(notes.read_bytes()).entries] == ["breaking", "fixed"]


@needs_ssh_keygen
def test_notes_with_a_changed_byte_are_refused(dist: Path) -> None:
    notes = dist / "perdure-0.2.0.notes.json"
    notes.write_bytes(notes.read_bytes().replace(b"Two.", b"Twp."))
    with pytest.raises(ValueError, match="is not signed by a key of signers"):
        verify(notes, dist.parent / "signers")


@needs_ssh_keygen
def test_notes_that_another_key_signed_are_refused(dist: Path) -> None:
    notes = dist / "perdure-0.2.0.notes.json"
    sign(notes, new_key(dist.parent, "another"))
    with pytest.raises(ValueError, match="is not signed by a key of signers"):
        verify(notes, dist.parent / "signers")


@needs_ssh_keygen
@pytest.mark.parametrize("kind", ["-py3-none-any.whl", ".tar.gz", ".sbom.cdx.json"])
def test_a_file_of_another_digest_is_refused(dist: Path, kind: str) -> None:
    with (dist / f"perdure-0.2.0{kind}").open("ab") as file:
        file.write(b"!")
    with pytest.raises(ValueError, match="its digest is another one"):
        verify(dist / "perdure-0.2.0.notes.json", dist.parent / "signers")


@needs_ssh_keygen
def test_notes_beside_which_nothing_can_be_installed_are_refused(dist: Path) -> None:
    (dist / "perdure-0.2.0-py3-none-any.whl").unlink()
    (dist / "perdure-0.2.0.tar.gz").unlink()
    with pytest.raises(ValueError, match="Nothing that can be installed"):
        verify(dist / "perdure-0.2.0.notes.json", dist.parent / "signers")


@needs_ssh_keygen
def test_a_key_of_another_kind_signs_nothing(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("{}", "utf-8")
    with pytest.raises(ValueError, match="is no Ed25519 key"):
        sign(tmp_path / "notes", new_key(tmp_path, "key", "ecdsa"))
    assert not (tmp_path / "notes.sig").exists()


@needs_ssh_keygen
def test_a_wheel_without_a_bill_of_materials_is_not_released(dist: Path) -> None:
    with ZipFile(dist / "perdure-0.2.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("perdure/__init__.py", "")
    with pytest.raises(ValueError, match="One bill of materials in .* is needed, and there are 0"):
        make(dist.parent, dist, dist.parent / "key")
