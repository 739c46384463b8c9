"""claims: the lease log is read by site and time, for sizings and the planner"""

from __future__ import annotations

from alembic import op

revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(op.f('ix_leases_site_id_leased_at'), 'leases', ['site_id', 'leased_at'], unique=False)


def downgrade() -> None:
    op.drop_index(op.f('ix_leases_site_id_leased_at'), table_name='leases')
