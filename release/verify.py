"""Check a release before it is installed: `python verify.py perdure-VERSION.notes.json SIGNERS`.

This file needs nothing but Python and OpenSSH's ssh-keygen. SIGNERS has a line for each key that may sign, such as
`perdure ssh-ed25519 AAAA...`. The signature, and the files that are to be checked, are beside the notes.
"""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

NAMESPACE = "perdure-release"  # a signature that the same key made of anything else counts for nothing


def verify(notes: Path, signers: Path) -> list[str]:
    """Check the signature of notes, and the digests of those of their files that are beside them.

    Returns the names of the files that were checked.

    Raises:
        ValueError: the signature is not that of a signer, a file has another digest, or neither wheel nor
            source distribution is there.
    """
    signed = notes.read_bytes()
    command = ["ssh-keygen", "-Y", "verify", "-I", "perdure", "-n", NAMESPACE, "-f", str(signers), "-s", f"{notes}.sig"]
    checked = subprocess.run(command, input=signed, capture_output=True, check=False)
    if checked.returncode:
        raise ValueError(f"{notes.name} is not signed by a key of {signers.name}: {checked.stderr.decode().strip()}")
    digests = {each["name"]: each["sha256"] for each in json.loads(signed)["files"]}
    there = [name for name in digests if (notes.parent / name).exists()]
    for name in there:
        if hashlib.sha256((notes.parent / name).read_bytes()).hexdigest() != digests[name]:
            raise ValueError(f"{name} is not the file of the release: its digest is another one.")
    if not any(name.endswith((".whl", ".tar.gz")) for name in there):
        raise ValueError(f"Nothing that can be installed is beside {notes.name}: it names {', '.join(digests)}.")
    return there


if __name__ == "__main__":
    try:
        print("As released:", ", ".join(verify(Path(sys.argv[1]), Path(sys.argv[2]))))
    except ValueError as error:
        sys.exit(str(error))
