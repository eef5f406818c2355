"""Who may do what in the key store: three roles of its database (least privilege, P7).

========================  ============================================  =========================================
role                      who is it                                     what it may do
========================  ============================================  =========================================
``keystore``              onboarding, rotation: a person's command      owns the tables: all
``keystore_worker``       intake, prepare, check, deliver, certify      read; make a job's key; delete nothing
``keystore_eraser``       erasure                                       delete; see ids, not what is wrapped
========================  ============================================  =========================================
"""

from __future__ import annotations

from sqlalchemy import Connection, text

__all__ = ["ERASER", "OWNER", "WORKER", "grant"]

OWNER, WORKER, ERASER = "keystore", "keystore_worker", "keystore_eraser"

_GRANTS = {
    WORKER: (
        "SELECT ON project_key, job_key, probe",
        "INSERT ON job_key, probe",
        "UPDATE (opened_at) ON probe",
    ),
    ERASER: (
        "SELECT (project, kind, epoch, key_id, wrapped_by) ON project_key",
        "SELECT (project, job, key_id, created_at) ON job_key",
        "SELECT (project, job, key_id, made_at) ON probe",
        "DELETE ON project_key, job_key, probe",
    ),
}


def grant(connection: Connection) -> None:
    """Give each role that the server has its rights, and take back what it has beyond them. As the tables' owner."""
    there = text("SELECT rolname FROM pg_roles WHERE rolname = ANY(:names)")
    for role in connection.scalars(there, {"names": list(_GRANTS)}).all():
        connection.execute(text(f"REVOKE ALL ON project_key, job_key, probe FROM {role}"))
        for right in _GRANTS[role]:
            connection.execute(text(f"GRANT {right} TO {role}"))
