"""The documentation of every release, each in its folder, with what the theme's version selector reads.

`python -m release.docs FOLDER` builds what FOLDER lacks, from the tags of this repository such as `v0.1.0`. A version
that is there already is never built again, so that its pages stay what its readers know. Nothing is sent anywhere.
"""

import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory

# Over the release's own configuration: `mike` names the format of versions.json, and nothing of that tool is used.
CONFIGURATION = """INHERIT: mkdocs.yml
theme: {custom_dir: .versions}
extra: {version: {provider: mike, default: latest, alias: true}}
"""
WARNING = """{% extends "base.html" %}
{% block outdated %}
  This is the documentation of an older release.
  <a href="{{ base_url }}/../latest/index.html"><strong>Go to the latest.</strong></a>
{% endblock %}
"""
ENTRANCE = '<!doctype html><meta charset="utf-8"><title>Perdure</title>{}<a href="latest/index.html">Perdure</a>\n'
REFRESH = '<meta http-equiv="refresh" content="0; url=latest/index.html">'


def releases(repository: Path) -> list[str]:
    """The versions that have tags, newest first; those of candidates, such as v1.0.0rc1, are left out."""
    tags = subprocess.run(["git", "tag"], cwd=repository, check=True, capture_output=True, text=True).stdout.split()
    versions = [match[1] for tag in tags if (match := re.fullmatch(r"v(\d+\.\d+\.\d+)", tag))]
    return sorted(versions, key=lambda version: [int(part) for part in version.split(".")], reverse=True)


def build(repository: Path, version: str, site: Path) -> None:
    """Build the documentation of one release from its tag.

    Raises:
        subprocess.CalledProcessError: git or MkDocs failed, and said why on the terminal; `site` is not there then.
    """
    archive = subprocess.run(["git", "archive", f"v{version}"], cwd=repository, check=True, stdout=subprocess.PIPE)
    with TemporaryDirectory(dir=site.parent, prefix=".building-") as folder:
        source = Path(folder, "source")
        with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
            files.extractall(source, filter="data")
        (source / ".versions").mkdir()
        (source / ".versions" / "main.html").write_text(WARNING, "utf-8")
        (source / "versions.yml").write_text(CONFIGURATION, "utf-8")
        command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--config-file", "versions.yml"]
        # The reference is of the release's own code, not of the code that is installed.
        environment = os.environ | {"PYTHONPATH": str(source / "src"), "NO_MKDOCS_2_WARNING": "1"}
        subprocess.run([*command, "--site-dir", Path(folder, "site")], cwd=source, check=True, env=environment)
        Path(folder, "site").rename(site)


def publish(repository: Path, folder: Path) -> list[str]:
    """Build what a folder lacks, lead `latest` to the newest release, and list all for the selector.

    Returns the versions, newest first.

    Raises:
        ValueError: no release has a tag.
    """
    versions = releases(repository)
    if not versions:
        raise ValueError("No release has a tag such as v0.1.0: tag one first.")
    folder.mkdir(parents=True, exist_ok=True)
    for version in versions:
        if not (folder / version).exists():
            build(repository, version, folder / version)
    # A copy: not every host of files follows links.
    shutil.rmtree(folder / "latest", ignore_errors=True)
    shutil.copytree(folder / versions[0], folder / "latest")
    listed = [{"version": each, "title": each, "aliases": ["latest"] * (each == versions[0])} for each in versions]
    (folder / "versions.json").write_text(json.dumps(listed, indent=2) + "\n", "utf-8")
    (folder / "index.html").write_text(ENTRANCE.format(REFRESH), "utf-8")
    return versions


if __name__ == "__main__":
    try:
        print("The documentation is there of", ", ".join(publish(Path.cwd(), Path(sys.argv[1]).absolute())))
    except (ValueError, subprocess.CalledProcessError) as error:
        sys.exit(str(error))
