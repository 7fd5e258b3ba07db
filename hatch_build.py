"""Puts the server's page into what is built: in the wheel at perdure/_server/ui, in the source distribution at ui/dist.

The wheel's metadata says which packages of Node.js are in it, as CycloneDX, in the place that PEP 770 gives it. The
page is built with npm where its sources are newer than it is. Where there is no npm, or npm fails, what comes out has
no page, and all else works.
"""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

WITHIN = {"wheel": "perdure/_server/ui", "sdist": "ui/dist"}


class PageBuildHook(BuildHookInterface):
    """Builds the page, and includes it."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Before a wheel or a source distribution is built; one that is editable reads the page from ui/dist."""
        if version == "editable":
            return
        source = Path(self.root, "ui")
        if is_stale(source):
            build(source)
        if (source / "dist" / "index.html").exists():
            build_data["force_include"][str(source / "dist")] = WITHIN[self.target_name]
            if self.target_name == "wheel" and (source / "dist" / "sbom.cdx.json").exists():
                build_data["sbom_files"].append("ui/dist/sbom.cdx.json")


def is_stale(source: Path) -> bool:
    """Whether the page's sources are there, and one is newer than what was built of them."""
    if not (source / "package.json").exists():
        return False
    made = source / "dist" / "index.html"
    built = made.stat().st_mtime if made.exists() else 0.0
    kept = [each for each in source.iterdir() if each.name not in ("dist", "node_modules")]
    files = [file for each in kept for file in (each.rglob("*") if each.is_dir() else [each])]
    return any(file.stat().st_mtime > built for file in files)


def build(source: Path) -> None:
    """Build the page, if that can be done here; say so if not."""
    npm = shutil.which("npm")
    if npm is None:
        say("perdure: built without its page, which needs npm: install Node.js 20 or newer.")
        return
    say("perdure: building the server's page with npm; this takes a minute or two.")
    for command in (["ci"], ["run", "build"]):
        ended = subprocess.run([npm, *command], cwd=source, capture_output=True, text=True, check=False)
        if ended.returncode:
            print(ended.stdout, ended.stderr, sep="\n", file=sys.stderr)
            say(f"perdure: built without its page: `npm {' '.join(command)}` failed.")
            return


def say(line: str) -> None:
    """Print a line: pip keeps to itself what a build prints, so to the terminal where there is one."""
    try:
        terminal = None if sys.stderr.isatty() else open("/dev/tty", "w")  # noqa: PTH123, SIM115 - no file
    except OSError:
        terminal = None
    print(f"\n{line}" if terminal else line, file=terminal or sys.stderr, flush=True)
