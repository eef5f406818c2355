"""Airflow in the embedded stack: its configuration file, its four parts, its first user.

The same components as in production, with the LocalExecutor in place of Celery. The configuration is written anew at every
start, from what is known then; secrets in it are why it is readable by its owner alone.
"""

from __future__ import annotations

import configparser
import io
import os
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from backoffice.stack.ca import KeyPair

__all__ = ["COMPONENTS", "AirflowSettings", "command", "configuration", "environment", "parallelism", "version"]

COMPONENTS = {
    "api-server": ["api-server"],
    "scheduler": ["scheduler", "--skip-serve-logs"],
    "dag-processor": ["dag-processor"],
    "triggerer": ["triggerer", "--skip-serve-logs"],
}
"""Our part names, and what Airflow's command takes for each. Logs are files here: no port is opened to serve them."""


@dataclass(frozen=True)
class AirflowSettings:
    """What the configuration needs to know. Secrets are hidden from ``repr``.

    :param address: of the API server, ``https://…``. :param ca: PEM file of who vouches for it.
    :param certificate: of the API server, where that is a file of this machine.
    """

    home: Path
    root: Path
    address: str
    port: int
    ca: Path
    certificate: KeyPair | None
    database_url: str
    fernet_key: str
    jwt_secret: str
    api_secret: str
    parallelism: int


def configuration(have: AirflowSettings) -> str:
    """The text of ``airflow.cfg``. Each value that differs from Airflow's default has its reason beside it."""
    sections: dict[str, dict[str, object]] = {
        "core": {
            "dags_folder": have.root / "dags",
            "plugins_folder": have.root / "plugins",
            "executor": "backoffice.orchestration.executor.WarmLocalExecutor",
            "parallelism": have.parallelism,
            "max_active_tasks_per_dag": 64,
            "load_examples": False,
            "auth_manager": "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager",
            "fernet_key": have.fernet_key,
            "execution_api_server_url": f"{have.address}/execution/",
            "dags_are_paused_at_creation": False,
            "dag_discovery_safe_mode": False,  # a project's file is two lines and need not say "airflow"
            "hostname_callable": "socket.gethostname",  # no look-up of names outside
            "min_serialized_dag_update_interval": 5,
        },
        "database": {
            "sql_alchemy_conn": have.database_url.replace("%", "%%"),  # Airflow takes a single one for a reference
            "load_default_connections": False,
        },
        "api": {
            "host": "127.0.0.1",
            "port": have.port,
            "base_url": have.address,
            "ssl_ca_file": have.ca,  # whom tasks and other callers trust
            "secret_key": have.api_secret,
            "workers": 1,
            "expose_config": False,
            "enable_swagger_ui": False,  # it would answer anyone, logged in or not
            "instance_name": "Back office",
        },
        "api_auth": {"jwt_secret": have.jwt_secret, "jwt_issuer": "backoffice"},
        "execution_api": {"jwt_audience": "urn:airflow.apache.org:task"},
        "logging": {"base_log_folder": have.home / "logs", "logging_level": "INFO", "fab_logging_level": "WARNING"},
        "scheduler": {
            "scheduler_idle_sleep_time": 0.1,  # six trivial tasks: 8.3 s with the default of 1 s, 4.7 s with this
            "task_instance_heartbeat_timeout": 60,
            "task_instance_heartbeat_timeout_detection_interval": 5,
            "orphaned_tasks_check_interval": 30,
            "scheduler_health_check_threshold": 30,
            "enable_health_check": False,  # the ledger of health is the database; no port for it
        },
        "workers": {
            # The supervisor looks for the end of its task at this interval, so a free slot may wait as long: 5 s by default.
            "min_heartbeat_interval": 1,
            "max_failed_heartbeats": 90,  # a minute and a half without the API server does not kill a job
        },
        "dag_processor": {
            "refresh_interval": 10,
            "min_file_process_interval": 30,
            "parsing_processes": 1,
            "print_stats_interval": 0,
        },
        "triggerer": {"default_capacity": 1000},
        "metrics": {"statsd_on": False},
        "usage_data_collection": {"enabled": False},
        "fab": {"auth_rate_limited": True, "session_backend": "database"},
    }
    if have.certificate is not None:
        sections["api"] |= {"ssl_cert": have.certificate.certificate, "ssl_key": have.certificate.key}
    parser = configparser.RawConfigParser()
    parser.read_dict({name: {key: str(value) for key, value in keys.items()} for name, keys in sections.items()})
    text = io.StringIO()
    parser.write(text)
    return text.getvalue()


def environment(home: Path, root: Path, var: Path) -> dict[str, str]:
    """What an Airflow part of ours has in its environment: nothing secret, nothing of the caller's but a locale."""
    return {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW_CONFIG": str(home / "airflow.cfg"),
        "BACKOFFICE_ROOT": str(root),
        "BACKOFFICE_VAR": str(var),
        "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
        "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
        "HOME": os.environ.get("HOME", str(var)),
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "PYTHONUNBUFFERED": "1",
        "GX_ANALYTICS_ENABLED": "false",
        "OPENBLAS_NUM_THREADS": "1",  # nothing here multiplies matrices, and threads must not be forked
        "MALLOC_ARENA_MAX": "2",  # one process per task: many arenas only cost memory
        "NO_PROXY": "127.0.0.1,localhost",
    }


def parallelism() -> int:
    """Task slots: one for intake, which always runs, one for company work, and two a core for jobs."""
    return 2 + 2 * (os.cpu_count() or 1)


def version() -> str:
    """The version of Airflow that is installed."""
    return metadata.version("apache-airflow")


def command(component: str) -> list[str]:
    """The command line of one of :data:`COMPONENTS`."""
    if component == "api-server":
        return [sys.executable, "-m", "backoffice.orchestration.api_server"]
    return [sys.executable, "-m", "airflow", *COMPONENTS[component]]
