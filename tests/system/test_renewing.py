"""Certificates near their end are made anew under a running job, and the job goes on.

PostgreSQL has none to show: it is on a socket of the file system alone (test_tls.py).
"""

from __future__ import annotations

import pytest

from backoffice.stack import ca
from backoffice.stack.ca import Authority, read_certificate
from tests.stack.test_stack_renewing import shown, soon
from tests.system.house import House, people


def test_store_and_api_server_show_new_ones_and_a_job_under_way_is_delivered(
    house: House, monkeypatch: pytest.MonkeyPatch
):
    stack, tls = house.stack, house.var / "tls"
    with monkeypatch.context() as patched:
        patched.setattr(ca, "_CERTIFICATE_DAYS", 20)
        for name, client in (("airflow", False), ("s3", False), ("inside", True)):
            (tls / f"{name}.pem").unlink()
            Authority(tls).issue(name, client=client)
    servers = {"airflow": stack.airflow_url, "s3": stack._store.settings("intake").endpoint}
    before = {name: shown(url, tls / "ca.pem").serial_number for name, url in servers.items()}

    job = house.job(house.drop(people(2000)))
    assert list(stack.renew()) == ["seaweedfs", "api-server"]
    house.until(job.id, "delivered", timeout=300)

    for name, url in servers.items():
        now = shown(url, tls / "ca.pem")
        assert now == read_certificate(tls / f"{name}.pem")
        assert now.serial_number != before[name]
        assert not soon(now)
    assert stack.api_answers()
    house.settled(house.drop(people(5)), "delivered", timeout=120)
    assert list(stack.renew()) == []
