"""What the command and the servers that it starts leave behind is for their user alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CODE = """
import resource, sys
from pathlib import Path
from backoffice import cli
def app():
    Path(sys.argv[1]).write_text("x")
    print(resource.getrlimit(resource.RLIMIT_CORE))
cli.app = app
cli.main()
"""


def test_files_are_private_and_no_memory_is_dumped(tmp_path: Path):
    file = tmp_path / "made"
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(file)],
        env=os.environ | {"PYTHONPATH": str(ROOT / "plugins")},
        capture_output=True,
        text=True,
        check=True,
        umask=0o022,
    )
    assert file.stat().st_mode & 0o777 == 0o600
    assert done.stdout.strip() in ("(1, 1)", "(0, 0)")  # see backoffice.child.NO_CORE


def test_a_secret_key_is_not_taken_for_a_certificate():
    import pysequoia
    import pytest

    from backoffice.errors import VaultError
    from backoffice.onboarding import enrol
    from backoffice.vault.openpgp import generate

    armoured = str(pysequoia.Tsk.from_bytes(generate("client").secret))
    for text in (armoured, "no key at all"):
        with pytest.raises(VaultError):
            enrol(object(), "acme", text)  # type: ignore[arg-type]
