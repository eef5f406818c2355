"""The upkeep as docker-compose.yml has it: the store under its own start script, the service beside it, files between them."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from backoffice.stack import beside as service
from backoffice.stack import seaweedfs
from backoffice.stack.beside import Beside
from backoffice.stack.seaweedfs import SeaweedFS
from backoffice.storage import Store
from tests.files import contents
from tests.stack.test_stack_upkeep import BUCKET, LABEL, NAME, put, store, within

SCRIPT = Path(__file__).resolve().parents[2] / "infra" / "compose" / "seaweedfs" / "start.sh"
Started = tuple[SeaweedFS, subprocess.Popen[bytes], Beside]


BUSYBOX = shutil.which("busybox")  # as in the image that docker-compose.yml names; Debian's package busybox
SHELLS = {"sh": ("sh",), **({"busybox": (BUSYBOX, "sh")} if BUSYBOX else {})}


@pytest.fixture(params=SHELLS)
def started(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Started]:
    server = SeaweedFS(tmp_path / "var")
    ports = server._ports.choose(seaweedfs.PORTS, running=False, companions=seaweedfs._COMPANIONS)
    server._prepare()
    command = seaweedfs.command(server.folder, server._authority_folder, ports)
    environment = {**seaweedfs.ENVIRONMENT, "PATH": os.environ["PATH"], "HOME": str(server.folder)}
    environment |= {"TMPDIR": str(server.folder), "BACKOFFICE_STORE_DATA": str(server.folder / "data")}
    arguments = command[command.index("sh", 1) + 1 :]
    script = subprocess.Popen(
        [*SHELLS[request.param], str(SCRIPT), *arguments], env=environment, start_new_session=True
    )
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    shutil.copyfile(server.ca, secrets / "ca.pem")
    shutil.copyfile(server.master_certificate, secrets / "store_master.pem")
    (secrets / "store_filer_key").write_text(server._secrets()["filer_write"])
    at = {part: f"https://127.0.0.1:{ports[f'seaweedfs-{part}']}" for part in ("master", "filer")}
    beside = Beside(data=server.folder / "data", master=at["master"], filer=at["filer"], secrets=secrets)
    try:
        assert within(60, server.healthy)
        store(server).create_bucket(BUCKET)
        yield server, script, beside
    finally:
        with suppress(ProcessLookupError):
            os.killpg(script.pid, signal.SIGKILL)
        script.wait()


def erased(server: SeaweedFS) -> str:
    """An object was erased, one is kept; gives the version of that."""
    kept = put(server, "in/kept", b"kept", "kept")
    put(server, f"in/{NAME}", b"x", LABEL)
    store(server).erase(BUCKET, prefix=f"in/{NAME}")
    assert names_left(server)
    return kept


def names_left(server: SeaweedFS) -> list[str]:
    words = (NAME.encode(), LABEL.encode())
    return [path.name for path, content in contents(server.folder) if any(word in content for word in words)]


def test_the_store_stops_for_it_and_forgets_what_was_erased(started: Started) -> None:
    server, script, beside = started
    kept = erased(server)
    done = beside.upkeep()
    assert names_left(server) == [] and done.index.dead > 0
    assert within(30, server.healthy)
    assert Store(server.settings("admin")).open(BUCKET, "in/kept", kept).read() == b"kept"
    assert not beside.due() and script.poll() is None


def test_killed_in_the_middle_it_goes_on_and_the_store_waits_for_it(started: Started) -> None:
    server, script, beside = started
    kept = erased(server)
    if (child := os.fork()) == 0:
        Path.rename = lambda *_: os.kill(os.getpid(), signal.SIGKILL)  # pyright: ignore[reportAttributeAccessIssue]
        beside.upkeep()
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    assert not server.healthy() and script.poll() is None
    assert beside.due()
    beside.upkeep()
    assert names_left(server) == []
    assert within(30, server.healthy)
    assert Store(server.settings("admin")).open(BUCKET, "in/kept", kept).read() == b"kept"


def test_a_stop_signal_ends_the_store_also_while_it_is_away(started: Started, tmp_path: Path) -> None:
    server, script, beside = started
    script.terminate()
    assert script.wait(30) is not None
    assert not server.healthy()
    away = subprocess.Popen(
        ["sh", str(SCRIPT), "sleep", "1000"],
        env={"PATH": os.environ["PATH"], "TMPDIR": str(tmp_path), "BACKOFFICE_STORE_DATA": str(beside.data)},
        start_new_session=True,
    )
    try:
        beside._folder.mkdir(exist_ok=True)
        beside._stop.write_text("word")
        assert within(10, lambda: (beside._folder / "stopped").exists())
        away.terminate()
        assert away.wait(10) is not None
    finally:
        if away.poll() is None:
            os.killpg(away.pid, signal.SIGKILL)


def test_a_store_that_dies_by_itself_ends_its_script(started: Started) -> None:
    server, script, _ = started
    children = Path(f"/proc/{script.pid}/task/{script.pid}/children").read_text().split()
    weed = next(
        int(child) for child in children if b"weed" in Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")[0]
    )
    os.kill(weed, signal.SIGKILL)
    assert script.wait(30) == 137
    assert not server.healthy()


def test_where_the_store_does_not_stop_nothing_is_touched(started: Started, monkeypatch: pytest.MonkeyPatch) -> None:
    server, script, beside = started
    kept = erased(server)
    monkeypatch.setattr(service, "_PATIENCE_SECONDS", 1.5)
    script.send_signal(signal.SIGSTOP)
    children = Path(f"/proc/{script.pid}/task/{script.pid}/children").read_text().split()
    for child in children:
        if b"weed" not in Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")[0]:
            os.kill(int(child), signal.SIGSTOP)  # who looks for the wish
    with pytest.raises(service.StackError, match="did not stop"):
        beside.upkeep()
    assert not beside._stop.exists()
    for one in (script.pid, *map(int, children)):
        os.kill(one, signal.SIGCONT)
    assert server.healthy()
    assert Store(server.settings("admin")).open(BUCKET, "in/kept", kept).read() == b"kept"
