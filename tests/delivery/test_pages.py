"""Pages set by native code in this process."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from backoffice.delivery.pages.pdf import silenced

CELL = "maria.musterfrau@example.org"


def test_what_native_code_prints_does_not_reach_the_log(capfd: pytest.CaptureFixture[str]):
    with pytest.raises(ValueError, match="it went on"), silenced():
        os.write(2, CELL.encode())
        subprocess.run([sys.executable, "-c", f"import os; os.write(2, b'{CELL}')"], check=True)
        raise ValueError("it went on")
    os.write(2, b"and is heard again")
    assert capfd.readouterr().err == "and is heard again"
