"""The embedded stack as one thing: up, down, status. Everything it makes lies under one folder, ``var/``.

Parts outlive the command that starts them. A keeper starts again what dies, so that a killed scheduler is back
within seconds, as systemd or an orchestrator would have it in production.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backoffice.errors import StackError
from backoffice.stack import airflow, host, postgres, seaweedfs
from backoffice.stack.ca import Authority
from backoffice.stack.ports import Ports
from backoffice.stack.process import Part, Process, write_private
from backoffice.stack.secrets import Secrets
from backoffice.tls import trust

if TYPE_CHECKING:
    from backoffice.deployment import Deployment
    from backoffice.stack.upkeep import Upkept

__all__ = ["PartStatus", "Stack"]

_AIRFLOW = tuple(airflow.COMPONENTS)
_MOST_DEATHS = 4
"""Parts of Airflow that may die, all together, while the stack comes up; one more is a fault that does not pass."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class PartStatus:
    """One part as ``stack status`` shows it; memory in bytes, shared pages counted by share (PSS)."""

    name: str
    pid: int | None
    address: str
    memory: int


class Stack:
    """The embedded stack of one checkout.

    :param root: the folder with dags/, sow/ and expectations/.
    :param var: where everything it makes lies; made readable by its owner alone.
    """

    def __init__(self, root: Path, var: Path) -> None:
        self.root, self.var, self.run = root, var, var / "run"
        self._secrets = Secrets(var / "secrets")
        self._deaths = 0

    # ------------------------------------------------------------------ what users call

    def up(self, say: Say = lambda _: None) -> None:
        """Start every part that does not run, make what is missing. A second call changes nothing.

        :param say: told, in words, what is going on.
        :raises StackError: the host swaps memory to a disk in the clear; or a part did not start, and the message ends with
            its last log lines.
        """
        host.refuse_swap()
        begun = datetime.now(UTC)
        with self._locked():
            if self._process("scheduler").running():
                begun -= timedelta(seconds=15)  # intake shows itself every five
            say("PostgreSQL and the object store")
            with ThreadPoolExecutor(2) as pool:
                for done in [pool.submit(self._start_postgres), pool.submit(self._store.up)]:
                    done.result()
            self._write_settings()
            say("Databases, keys, buckets")
            with ThreadPoolExecutor(2) as pool:
                prepared = pool.submit(self._prepare_airflow)
                self._set_up()
                prepared.result()
            say("Airflow")
            for name in _AIRFLOW:
                if name != "scheduler":
                    self._process(name).start()
            # The scheduler last: a task that it starts before the API server answers fails its first attempt.
            self._process("api-server").wait_ready(self.api_answers, timeout=120)
            scheduler = self._process("scheduler")
            scheduler.start()
            scheduler.wait_ready(self._airflow_healthy, timeout=120)
            self._process("keeper").start()
            say("The first look of intake")
            self._await_intake(begun)

    def down(self) -> None:
        """End every process of the stack; data stays. Nothing to end is fine."""
        with self._locked():
            self._process("keeper").stop()
            # The scheduler first: it would take the others' end for a fault.
            self._process("scheduler").stop(grace=8.0)
            with ThreadPoolExecutor(3) as pool:
                list(
                    pool.map(
                        lambda name: self._process(name).stop(grace=8.0), ("triggerer", "dag-processor", "api-server")
                    )
                )
            with ThreadPoolExecutor(2) as pool:
                for done in [pool.submit(self._store.down), pool.submit(self._process("postgres").stop, 15.0)]:
                    done.result()

    def clean(self) -> None:
        """End everything, then delete ``var/``."""
        if self.var.exists():
            self.down()
            shutil.rmtree(self.var)

    def keep(self) -> Iterator[str]:
        """Start whatever has died, and name it. One pass; the keeper makes one every two seconds.

        :raises StackError, OSError: of the first part that does not start; the others were looked at all the same.
        """
        failed: StackError | OSError | None = None
        for name in ("postgres", "seaweedfs", *_AIRFLOW):
            try:
                started = self._start_again(name)
            except (StackError, OSError) as error:
                failed, started = failed or error, False
            if started:
                yield name
        if failed is not None:
            raise failed

    def _start_again(self, name: str) -> bool:
        """Start one part if it has died; gives whether it had."""
        if name == "seaweedfs":
            if not self._store.wanted or self._store.running():
                return False
            self._store.up()
            self._write_settings()  # its ports are new ones where another program took the old
            return True
        process = self._process(name)
        if not process.state.exists() or process.running():
            return False
        process.start()
        return True

    def renew(self) -> Iterator[str]:
        """Make certificates near their end anew, start again what shows them, and name it. The keeper asks once an hour."""
        bundle = self.var / "tls" / "ca.pem"
        before = bundle.read_bytes() if bundle.exists() else b""
        authority = Authority(self.var / "tls")
        store_is_good = authority.still_good("s3") and authority.still_good("inside", client=True)
        if not store_is_good and self._store.wanted:
            self._store.down()
            self._store.up()
            self._write_settings()
            yield "seaweedfs"
        if not authority.still_good("airflow"):
            authority.issue("airflow")
            # Who trusted an older authority has to read the new one's certificate.
            for name in ("api-server",) if bundle.read_bytes() == before else _AIRFLOW:
                process = self._process(name)
                if process.state.exists():
                    process.restart(grace=8.0)
                    yield name

    def upkeep(self) -> Upkept:
        """Rid the object store of the names of what was erased, now; it is away for seconds.

        :raises StackError: it does not run, or :func:`backoffice.stack.upkeep.upkeep`.
        """
        if not self._store.running():
            raise StackError("The object store does not run.", hint="Run `backoffice stack up`.")
        done = self._store.upkeep()
        self._write_settings()  # its ports are new ones where another program took the old
        return done

    def upkeep_due(self) -> bool:
        """Whether it is time for that. The keeper asks every ten minutes."""
        return self._store.running() and self._store.upkeep_due()

    def status(self) -> list[PartStatus]:
        """Every part, running or not."""
        ports = Ports(self.run).known()
        where = {"api-server": ports.get("airflow")}
        parts: dict[str, Process | seaweedfs.SeaweedFS] = {"seaweedfs": self._store}
        parts |= {name: self._process(name) for name in ("postgres", *_AIRFLOW, "keeper")}
        where["seaweedfs"] = ports.get("seaweedfs-s3")
        return [
            PartStatus(
                name, part.pid, f"127.0.0.1:{where[name]}" if where.get(name) else "", sum(map(_pss, part.members()))
            )
            for name, part in parts.items()
        ]

    @property
    def airflow_url(self) -> str:
        """Where the Airflow UI is."""
        return f"https://127.0.0.1:{self._ports['airflow']}"

    @property
    def admin_password_file(self) -> Path:
        """The file that holds the password of Airflow's user ``admin``."""
        return self._secrets.path("airflow_admin_password")

    # ------------------------------------------------------------------ parts

    @cached_property
    def _ports(self) -> dict[str, int]:
        part = Part(name="api-server", command=(), cwd=self.var, log=self.var / "log")
        return Ports(self.run).choose(["airflow"], running=Process(part, run=self.run).running())

    def _process(self, name: str) -> Process:
        return Process(self._part(name), run=self.run)

    def _part(self, name: str) -> Part:
        log = self.var / "log" / f"{name}.log"
        if name == "postgres":
            return Part(
                name=name,
                command=self._postgres.command(),
                cwd=self.var,
                log=log,
                stop_signal=signal.SIGINT,  # its fast shutdown: it ends sessions instead of waiting for them
                left_by_a_crash=self._postgres.left_by_a_crash,
            )
        environment = airflow.environment(self.var / "airflow", self.root, self.var)
        if name == "keeper":
            command = (sys.executable, "-m", "backoffice.stack.keeper", str(self.root), str(self.var))
        else:
            command = tuple(airflow.command(name))
        return Part(name=name, command=command, cwd=self.var, log=log, environment=environment)

    @cached_property
    def _postgres(self) -> postgres.Postgres:
        return postgres.Postgres(folder=self.var / "postgres", password=self._secrets.get("postgres_password"))

    @cached_property
    def _authority(self) -> Authority:
        return Authority(self.var / "tls")

    @cached_property
    def _store(self) -> seaweedfs.SeaweedFS:
        return seaweedfs.SeaweedFS(self.var)

    def _start_postgres(self) -> None:
        self._postgres.initialise()
        process = self._process("postgres")
        process.start()
        process.wait_ready(self._postgres.ready, timeout=60)
        self._postgres.create_databases({name: self._secrets.get(f"{name}_password") for name in postgres.ROLES})

    # ------------------------------------------------------------------ what parts need

    def _database_url(self, name: str, driver: str = "psycopg") -> str:
        return self._postgres.url(name, self._secrets.get(f"{name}_password"), driver)

    def _write_settings(self) -> None:
        names = {"INTAKE": "intake", "ERASER": "eraser", "MANAGER": "admin"}
        keys = {who: self._store.settings(name) for who, name in names.items()}
        store = keys["MANAGER"]
        values = {
            "LEDGER_URL": self._database_url("ledger"),
            "KEYSTORE_URL": self._database_url("keystore_worker"),
            "KEYSTORE_OWNER_URL": self._database_url("keystore"),
            "KEYSTORE_ERASER_URL": self._database_url("keystore_eraser"),
            "MASTER_KEY_FILE": self._secrets.path("master.key"),
            "SIGNING_KEY_FILE": self._secrets.path("signing.pem"),
            "COMPANY_KEY_FILE": self._secrets.path("company.key.pgp"),
            "COMPANY_CERTIFICATE_FILE": self._secrets.path("company.asc"),
            "TOMBSTONES_FILE": self.var / "tombstones" / "keys.jsonl",
            "ESCROW_FOLDER": self.var / "escrow" / "copies",
            "ESCROW_KEYS_FOLDER": self.var / "escrow" / "keys",
            "STORE_ENDPOINT": store.endpoint,
            "STORE_REGION": store.region,
            "STORE_CA": store.ca,
            "STORE_MASTER_URL": store.master_url,
            "STORE_MASTER_CERTIFICATE": store.master_certificate,
            **{f"STORE_{who}_ACCESS_KEY": have.access_key for who, have in keys.items()},
            **{f"STORE_{who}_SECRET_KEY": have.secret_key for who, have in keys.items()},
            "AIRFLOW_URL": self.airflow_url,
        }
        text = "".join(f"BACKOFFICE_{name}={value}\n" for name, value in values.items())
        write_private(self.var / "backoffice.env", text)

    def _set_up(self) -> None:
        from backoffice.setup import set_up

        opened = self._deployment()
        set_up(opened)
        opened.ledger.close()

    def _deployment(self) -> Deployment:
        from backoffice.deployment import Deployment
        from backoffice.settings import Settings

        sources: dict[str, Any] = {"_env_file": self.var / "backoffice.env", "root": self.root, "var": self.var}
        have = Settings(**sources)
        return Deployment(have)

    def _prepare_airflow(self) -> None:
        """Write Airflow's configuration; migrate its database where this version of Airflow has not done so."""
        home = self.var / "airflow"
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        have = airflow.AirflowSettings(
            home=home,
            root=self.root,
            address=self.airflow_url,
            port=self._ports["airflow"],
            ca=self._authority.bundle,
            certificate=self._authority.issue("airflow"),
            database_url=self._database_url("airflow", "psycopg2"),
            fernet_key=self._secrets.get("airflow_fernet_key"),
            jwt_secret=self._secrets.get("airflow_jwt_secret", size=64),
            api_secret=self._secrets.get("airflow_api_secret"),
            parallelism=airflow.parallelism(),
        )
        write_private(home / "airflow.cfg", airflow.configuration(have))
        stamp, version = home / "migrated", airflow.version()
        if stamp.exists() and stamp.read_text(encoding="utf-8") == version:
            return
        password = self._secrets.path("airflow_admin_password")
        self._secrets.get("airflow_admin_password")
        command = [sys.executable, "-m", "backoffice.orchestration.bootstrap", "admin", str(password)]
        with (self.var / "log" / "bootstrap.log").open("ab") as log:
            environment = airflow.environment(home, self.root, self.var)
            made = subprocess.run(command, env=environment, stdout=log, stderr=log, check=False)
        if made.returncode != 0:
            raise StackError("Airflow's database could not be migrated.", hint=f"See {log.name}.")
        stamp.write_text(version, encoding="utf-8")

    def _airflow_healthy(self) -> bool:
        """All four components have beaten lately."""
        return self._health(_AIRFLOW).count(b'"healthy"') == 4

    def api_answers(self) -> bool:
        """The API server answers, and reaches its database.

        The scheduler is not looked at: it is started next, and what is known of it may be from before a power cut.
        """
        others = tuple(name for name in _AIRFLOW if name != "scheduler")
        return b'"metadatabase":{"status":"healthy"}' in self._health(others)

    def _health(self, parts: tuple[str, ...]) -> bytes:
        for process in map(self._process, parts):
            if process.state.exists() and not process.running():
                self._deaths += 1
                if self._deaths > _MOST_DEATHS:
                    process.wait_ready(lambda: False, timeout=0)  # raises, with the end of its log
                process.start()  # it may have died of a database that was away, and is back
        try:
            return self.ask_airflow("/api/v2/monitor/health", timeout=2)
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            return b""

    def ask_airflow(self, path: str, *, timeout: float) -> bytes:
        """What the API server answers to anyone.

        :raises OSError: it does not, or not well.
        """
        https = urllib.request.HTTPSHandler(context=trust(self._authority.bundle))
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), https)
        with opener.open(f"{self.airflow_url}{path}", timeout=timeout) as answer:
            return answer.read()

    def _await_intake(self, begun: datetime) -> None:
        """Until then a drop would only lie there: intake is a DAG, parsed and scheduled like any other.

        :raises StackError: it has not looked within two minutes.
        """
        ledger = self._deployment().ledger
        try:
            end = time.monotonic() + 120
            while (beaten := ledger.beaten_at("intake")) is None or beaten < begun:
                if time.monotonic() > end:
                    raise StackError(
                        "Intake has not looked at the buckets.", hint="Is its DAG paused, or red, in Airflow?"
                    )
                time.sleep(0.2)
        finally:
            ledger.close()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One command at a time works on the stack."""
        self.run.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.var.chmod(0o700)
        (self.var / "log").mkdir(exist_ok=True, mode=0o700)
        with (self.run / "stack.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _pss(pid: int) -> int:
    """Bytes that a process holds, its share of what it shares. Of one that may not be looked into, as a task may not by an
    ordinary user, what it has for itself alone.
    """
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    except PermissionError:
        with suppress(OSError):
            _, resident, shared, *_ = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()
            return (int(resident) - int(shared)) * os.sysconf("SC_PAGE_SIZE")
        return 0
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
