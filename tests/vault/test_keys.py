"""Keys are made once, come back the same, and open only where they belong."""

from __future__ import annotations

import logging
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, text

from backoffice.errors import VaultError
from backoffice.ids import new_id
from backoffice.vault import wrapping
from backoffice.vault.keys import ProjectKeys
from backoffice.vault.master import MasterKeys
from backoffice.vault.openpgp import fingerprint

PROJECT = "acme_contacts"


def test_a_project_made_twice_keeps_its_first_keys(keys: ProjectKeys):
    certificate = keys.create(PROJECT)
    secret = keys.secret(PROJECT)
    assert keys.create(PROJECT) == certificate == keys.certificate(PROJECT)
    assert keys.secret(PROJECT) == secret
    assert "BEGIN PGP PUBLIC KEY" in certificate
    assert len(fingerprint(certificate)) == 40


def test_a_job_made_twice_keeps_its_first_key(keys: ProjectKeys):
    job = new_id()
    keys.create(PROJECT)
    keys.create_job(PROJECT, job)
    key = keys.unwrap(PROJECT, job)
    keys.create_job(PROJECT, str(job))
    assert keys.unwrap(PROJECT, str(job)) == key
    assert len(key) == 32


def test_every_job_and_project_has_a_key_of_its_own(keys: ProjectKeys):
    jobs = [new_id() for _ in range(3)]
    for project in (PROJECT, "acme_products"):
        keys.create(project)
        for job in jobs:
            keys.create_job(project, job)
    assert len({keys.unwrap(project, job) for project in (PROJECT, "acme_products") for job in jobs}) == 6
    assert keys.secret(PROJECT) != keys.secret("acme_products")


def test_keys_come_back_in_another_process(own_store):
    store, keys = own_store, own_store.open()
    job = new_id()
    keys.create(PROJECT)
    keys.create_job(PROJECT, job)
    script = (
        "import sys; from pathlib import Path; from sqlalchemy import create_engine\n"
        "from backoffice.vault.keys import ProjectKeys\n"
        "from backoffice.vault.master import MasterKeys\n"
        "engine = create_engine(sys.argv[1], hide_parameters=True)\n"
        "keys = ProjectKeys(engine, MasterKeys.from_file(Path(sys.argv[2])), Path(sys.argv[3]))\n"
        "sys.stdout.write(keys.unwrap(sys.argv[4], sys.argv[5]).hex())"
    )
    arguments = [store.url, str(store.master), str(store.tombstones), PROJECT, str(job)]
    found = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, check=True, env=_env())
    assert found.stdout.decode() == keys.unwrap(PROJECT, job).hex()


def test_two_processes_creating_at_once_agree(own_store):
    """Eight processes, one project and one job: one set of keys, and all of them see it."""
    job = new_id()
    script = (
        "import sys; from pathlib import Path; from sqlalchemy import create_engine\n"
        "from backoffice.vault.keys import ProjectKeys\n"
        "from backoffice.vault.master import MasterKeys\n"
        "engine = create_engine(sys.argv[1], hide_parameters=True)\n"
        "keys = ProjectKeys(engine, MasterKeys.from_file(Path(sys.argv[2])), Path(sys.argv[3]))\n"
        "sys.stdin.readline()\n"
        "certificate = keys.create(sys.argv[4]); keys.create_job(sys.argv[4], sys.argv[5])\n"
        "sys.stdout.write(certificate + keys.unwrap(sys.argv[4], sys.argv[5]).hex())"
    )
    arguments = [own_store.url, str(own_store.master), str(own_store.tombstones), PROJECT, str(job)]
    started = [
        subprocess.Popen(
            [sys.executable, "-c", script, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=_env(),
            text=True,
        )
        for _ in range(4)
    ]
    for process in started:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    answers = {process.communicate(timeout=60)[0] for process in started}
    assert all(process.returncode == 0 for process in started)
    assert len(answers) == 1


def test_many_threads_creating_jobs_at_once_agree(store):
    keys = store.open()
    keys.create(PROJECT)
    jobs = [new_id() for _ in range(5)] * 4
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda job: keys.create_job(PROJECT, job), jobs))
        found = list(pool.map(lambda job: (job, keys.unwrap(PROJECT, job)), jobs))
    assert len(set(found)) == 5


def test_what_was_never_made_is_said_so(keys: ProjectKeys):
    with pytest.raises(VaultError, match="no key for project"):
        keys.certificate(PROJECT)
    with pytest.raises(VaultError, match="no key for project"):
        keys.create_job(PROJECT, new_id())
    keys.create(PROJECT)
    with pytest.raises(VaultError, match="no key for job"):
        keys.unwrap(PROJECT, new_id())


@pytest.mark.parametrize("name", ["", "../x", "a b", "a\nb", "ü", "x" * 129, '","'])
def test_an_id_that_could_be_mistaken_for_something_else_is_refused(keys: ProjectKeys, name: str):
    with pytest.raises(VaultError, match="An id"):
        keys.create(name)


# ---------------------------------------------------------------------- wrapping


def test_a_row_moved_to_another_job_or_project_does_not_open(store, keys: ProjectKeys):
    here, there = new_id(), new_id()
    for project in (PROJECT, "acme_products"):
        keys.create(project)
        for job in (here, there):
            keys.create_job(project, job)
    with store.engine.begin() as connection:
        row = connection.execute(
            text("select wrapped from job_key where project = :p and job = :j"), {"p": PROJECT, "j": str(here)}
        )
        wrapped = row.scalar_one()
        for project, job in ((PROJECT, there), ("acme_products", here)):
            connection.execute(
                text("update job_key set wrapped = :w where project = :p and job = :j"),
                {"w": wrapped, "p": project, "j": str(job)},
            )
    assert keys.unwrap(PROJECT, here)
    for project, job in ((PROJECT, there), ("acme_products", here)):
        with pytest.raises(VaultError, match="does not open"):
            keys.unwrap(project, job)


def test_another_master_key_is_named_and_refused(own_store, tmp_path: Path):
    store = own_store
    store.open().create(PROJECT)
    other = ProjectKeys(store.engine, MasterKeys.create(tmp_path / "other.key"), store.tombstones)
    with pytest.raises(VaultError, match="master key"):
        other.secret(PROJECT)


@given(data=st.binary(max_size=200), context=st.lists(st.text(max_size=20), max_size=4), at=st.integers(0, 10_000))
def test_a_wrapped_secret_opens_whole_and_only_in_its_context(data: bytes, context: list[str], at: int):
    key = wrapping.new_key()
    wrapped = wrapping.wrap(key, data, *context)
    assert wrapping.unwrap(key, wrapped, *context) == data
    changed = bytearray(wrapped)
    changed[at % len(changed)] ^= 1 << at % 8
    for broken in (bytes(changed), wrapped[:-1], wrapped + b"\0", b""):
        with pytest.raises(VaultError):
            wrapping.unwrap(key, broken, *context)
    with pytest.raises(VaultError):
        wrapping.unwrap(key, wrapped, *context, "more")
    with pytest.raises(VaultError):
        wrapping.unwrap(wrapping.new_key(), wrapped, *context)


# ---------------------------------------------------------------------- seal and index


def test_a_sealed_secret_opens_for_its_own_job_only(keys: ProjectKeys):
    here, there = new_id(), new_id()
    keys.create(PROJECT)
    for job in (here, there):
        keys.create_job(PROJECT, job)
    sealed = keys.seal(PROJECT, here, b"in/anna.csv")
    assert keys.unseal(PROJECT, here, sealed) == b"in/anna.csv"
    assert b"anna" not in sealed
    for job in (there, None):
        with pytest.raises(VaultError):
            keys.unseal(PROJECT, job, sealed)
    of_project = keys.seal(PROJECT, None, b"x")
    assert keys.unseal(PROJECT, None, of_project) == b"x"


def test_an_index_is_stable_and_tells_projects_apart(store, keys: ProjectKeys):
    keys.create(PROJECT)
    keys.create("acme_products")
    found = keys.index(PROJECT, b"in/anna.csv")
    assert found == keys.index(PROJECT, b"in/anna.csv") == store.open().index(PROJECT, b"in/anna.csv")
    assert len(found) == 32
    assert found != keys.index(PROJECT, b"in/anne.csv")
    assert found != keys.index("acme_products", b"in/anna.csv")


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=300))
def test_whatever_is_sealed_comes_back(keys: ProjectKeys, data: bytes):
    keys.create(PROJECT)
    keys.create_job(PROJECT, "job")
    assert keys.unseal(PROJECT, "job", keys.seal(PROJECT, "job", data)) == data


# ---------------------------------------------------------------------- the master key's file


def test_the_master_key_is_private_and_never_replaced(tmp_path: Path):
    path = tmp_path / "secrets" / "master.key"
    made = MasterKeys.create(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert MasterKeys.from_file(path).ids == made.ids
    before = path.read_bytes()
    with pytest.raises(VaultError, match="not written"):
        MasterKeys.create(path)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o660, 0o604])
def test_a_master_key_that_others_may_read_is_refused(tmp_path: Path, mode: int):
    path = tmp_path / "master.key"
    MasterKeys.create(path)
    path.chmod(mode)
    with pytest.raises(VaultError, match="mode"):
        MasterKeys.from_file(path)


def test_a_master_key_of_another_length_is_refused(tmp_path: Path):
    path = tmp_path / "master.key"
    path.write_bytes(b"x" * 31)
    path.chmod(0o600)
    with pytest.raises(VaultError, match="31 bytes"):
        MasterKeys.from_file(path)
    with pytest.raises(VaultError, match="not used"):
        MasterKeys.from_file(tmp_path / "none")


# ---------------------------------------------------------------------- nothing leaks


def test_no_key_shows_in_a_repr_a_log_or_an_error(store, keys: ProjectKeys, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    logging.getLogger("sqlalchemy").setLevel(logging.DEBUG)
    job = new_id()
    keys.create(PROJECT)
    keys.create_job(PROJECT, job)
    secrets = [store.master.read_bytes(), keys.unwrap(PROJECT, job), keys.secret(PROJECT)]
    said = [repr(keys), repr(MasterKeys.from_file(store.master)), str(MasterKeys.from_file(store.master))]
    with pytest.raises(VaultError) as raised:
        pickle.dumps(MasterKeys.from_file(store.master))
    said.append(str(raised.value))
    with store.engine.begin() as connection:
        connection.execute(text("drop table job_key"))
    with pytest.raises(VaultError) as raised:
        keys.unwrap(PROJECT, job)
    assert raised.value.__context__ is None
    said += [repr(raised.value), caplog.text]
    logging.getLogger("sqlalchemy").setLevel(logging.WARNING)
    for secret in secrets:
        for shape in (repr(secret)[2:-1], secret.hex()):
            assert not any(shape[:40] in text for text in said)


def test_the_database_holds_no_key_in_the_clear(store, keys: ProjectKeys):
    job = new_id()
    keys.create(PROJECT)
    keys.create_job(PROJECT, job)
    with store.engine.connect() as connection:
        held = b"".join(
            bytes(value)
            for table in ("project_key", "job_key", "probe")
            for row in connection.execute(text(f"select * from {table}"))
            for value in row
            if isinstance(value, (bytes, memoryview))
        )
    for secret in (keys.unwrap(PROJECT, job), keys.secret(PROJECT)[-32:], store.master.read_bytes()):
        assert secret not in held


def test_an_engine_that_prints_parameters_is_refused(own_store, tmp_path: Path):
    with pytest.raises(VaultError, match="prints parameters"):
        ProjectKeys(create_engine(own_store.url), own_store.root(), tmp_path / "t")


def test_a_store_that_is_away_is_our_error(own_store, tmp_path: Path):
    engine = create_engine(own_store.url.replace("/keys_", "/gone_"), hide_parameters=True)
    keys = ProjectKeys(engine, own_store.root(), own_store.tombstones)
    with pytest.raises(VaultError, match="did not answer") as raised:
        keys.certificate(PROJECT)
    assert raised.value.__context__ is None


def _env() -> dict[str, str]:
    return {"PYTHONPATH": str(Path(__file__).parents[2] / "plugins"), "PATH": "/usr/bin:/bin"}
