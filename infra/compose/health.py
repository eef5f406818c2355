"""Health checks of our own services, cheap enough to run every few seconds. Nothing but the standard library.

python -I -S health.py api-server|scheduler|dag-processor|triggerer|worker      exit code 0: healthy
"""

import json
import sys
import time
import urllib.request
from pathlib import Path

HEARTBEAT = Path("/tmp/worker-heartbeat")  # noqa: S108 (in the container's own memory)
SILENT_SECONDS = 30


def reported(part):
    """Whether the API server has heard of this part lately."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open("http://api-server:8080/api/v2/monitor/health", timeout=5) as answer:
        return json.load(answer)[part]["status"] == "healthy"


def answers(url):
    """Whether there is a good answer."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=5) as answer:
        return answer.status == 200


CHECKS = {
    "api-server": lambda: answers("http://127.0.0.1:8080/api/v2/version"),
    "scheduler": lambda: answers("http://127.0.0.1:8974/health"),
    "dag-processor": lambda: reported("dag_processor"),
    "triggerer": lambda: reported("triggerer"),
    "worker": lambda: time.time() - HEARTBEAT.stat().st_mtime < SILENT_SECONDS,
}

if __name__ == "__main__":
    try:
        healthy = CHECKS[sys.argv[1]]()
    except (OSError, ValueError, KeyError, TypeError) as error:
        print(type(error).__name__)
        healthy = False
    sys.exit(0 if healthy else 1)
