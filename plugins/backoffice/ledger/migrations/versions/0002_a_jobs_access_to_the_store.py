"""A job's access to the store."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Apply."""
    op.add_column(
        "jobs",
        sa.Column(
            "access_sealed",
            sa.LargeBinary(),
            nullable=True,
            comment="what opens the store for the job, under its data key; blank once erased",
        ),
    )
    op.add_column("jobs", sa.Column("access_until", sa.DateTime(timezone=True), nullable=True))
