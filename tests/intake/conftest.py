from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from conftest_store import admin_store, bucket, store, store_server

__all__ = ["admin_store", "bucket", "store", "store_server"]
