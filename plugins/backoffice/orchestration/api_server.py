"""Airflow's API server, with TLS 1.3 and nothing older (P2): its own options know certificates, and no version.

python -m backoffice.orchestration.api_server [options of `airflow api-server`]
"""

from __future__ import annotations

import ssl
import sys
from typing import Any

from uvicorn import config

__all__ = ["main"]

_made = config.create_ssl_context


def _tls_1_3(*arguments: Any, **named: Any) -> ssl.SSLContext:
    context = _made(*arguments, **named)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context


def main() -> None:
    """Run ``airflow api-server`` in this process."""
    from airflow.__main__ import main as airflow

    config.create_ssl_context = _tls_1_3
    sys.argv[1:1] = ["api-server"]
    airflow()


if __name__ == "__main__":
    main()
