"""What holds for every DAG file, today's and the next one's."""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "dags").glob("*.py"))
HEAVY = (
    "pandas",
    "great_expectations",
    "duckdb",
    "boto3",
    "botocore",
    "pyarrow",
    "numpy",
    "sqlglot",
    "pysequoia",
    "minio",
)


@pytest.fixture(scope="module", autouse=True)
def airflow_home(tmp_path_factory: pytest.TempPathFactory):
    """Airflow reads its configuration at import: let it be nobody's."""
    os.environ["AIRFLOW_HOME"] = str(tmp_path_factory.mktemp("airflow"))
    os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] = "sqlite:////dev/null"


@pytest.fixture(scope="module", params=FILES, ids=lambda path: path.stem)
def dag(request: pytest.FixtureRequest):
    return runpy.run_path(str(request.param))["dag"]


def test_it_can_be_read_by_an_operator(dag):
    assert dag.description
    assert dag.doc_md
    assert dag.tags
    assert dag.tags & {"project", "company"}
    for task in dag.tasks:
        assert task.doc_md or len(dag.tasks) == 1, task.task_id


def test_it_is_bounded(dag):
    assert dag.catchup is False
    assert 1 <= dag.max_active_runs <= 64
    for task in dag.tasks:
        assert task.owner
        assert task.owner != "airflow"
        assert task.retries >= 2
        assert task.retry_delay <= timedelta(minutes=5)
        assert task.execution_timeout is not None or task.task_id.endswith("approve")


def test_nothing_but_opaque_ids_travels_through_airflow(dag):
    """No XCom, no params, no rendered field that could hold a value."""
    assert not dag.params
    for task in dag.tasks:
        assert task.do_xcom_push is False
        assert not task.template_fields or task.task_id.endswith("approve")


def test_a_run_of_a_project_is_started_by_intake_alone(dag):
    if "project" in dag.tags:
        assert dag.timetable.can_be_scheduled is False


@pytest.mark.parametrize("file", FILES, ids=lambda path: path.stem)
def test_it_is_short_and_named_after_what_it_runs(file: Path):
    assert len(file.read_text().splitlines()) <= 40
    assert runpy.run_path(str(file))["dag"].dag_id == file.stem


def test_parsing_imports_nothing_heavy():
    code = "import runpy, sys, json\nfor f in sys.argv[1:]: runpy.run_path(f)\nprint(json.dumps(sorted(sys.modules)))"
    environment = os.environ | {"PYTHONPATH": str(ROOT / "plugins")}
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, FILES)], env=environment, capture_output=True, text=True, check=True
    )
    loaded = set(json.loads(done.stdout.splitlines()[-1]))
    assert not loaded & set(HEAVY)


def test_every_project_has_a_dag_and_every_dag_a_sow():
    from backoffice.contract import project_ids

    company = {"intake", "erasure", "clocks", "escrow", "certificates"}
    assert {file.stem for file in FILES} - company == set(project_ids(ROOT))
