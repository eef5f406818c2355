"""Health checks of our own services, cheap enough to run every few seconds. Nothing but the standard library.

python -I -S health.py api-server|scheduler|dag-processor|triggerer|worker|upkeep      exit code 0: healthy
"""

import json
import ssl
import sys
import time
import urllib.request
from pathlib import Path

HEARTBEAT = Path("/tmp/worker-heartbeat")  # noqa: S108 (in the container's own memory)
SILENT_SECONDS = 30
BEAT = Path("/tmp/upkeep-beat")  # noqa: S108
UPKEEP_SECONDS = 900


def ask(url):
    """What there is to read, from who our authority vouches for."""
    trust = ssl.create_default_context(cafile="/run/secrets/ca.pem")
    trust.minimum_version = ssl.TLSVersion.TLSv1_3
    https = urllib.request.HTTPSHandler(context=trust)
    with urllib.request.build_opener(urllib.request.ProxyHandler({}), https).open(url, timeout=5) as answer:
        return answer.read()


def reported(part):
    """Whether the API server has heard of this part lately."""
    return json.loads(ask("https://api-server:8080/api/v2/monitor/health"))[part]["status"] == "healthy"


CHECKS = {
    "api-server": lambda: ask("https://127.0.0.1:8080/api/v2/version"),
    "scheduler": lambda: reported("scheduler"),
    "dag-processor": lambda: reported("dag_processor"),
    "triggerer": lambda: reported("triggerer"),
    "worker": lambda: time.time() - HEARTBEAT.stat().st_mtime < SILENT_SECONDS,
    "upkeep": lambda: time.time() - BEAT.stat().st_mtime < UPKEEP_SECONDS,
}

if __name__ == "__main__":
    try:
        healthy = CHECKS[sys.argv[1]]()
    except (OSError, ValueError, KeyError, TypeError) as error:
        print(type(error).__name__)
        healthy = False
    sys.exit(0 if healthy else 1)
