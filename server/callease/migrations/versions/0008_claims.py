"""claims: of several workers one looks for proposals; the lease log is read by site and time"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('proposal_runs') as runs:
        runs.add_column(sa.Column('claimed_until', sa.DateTime(timezone=True), nullable=True))
    op.create_index(op.f('ix_leases_site_id_leased_at'), 'leases', ['site_id', 'leased_at'], unique=False)


def downgrade() -> None:
    op.drop_index(op.f('ix_leases_site_id_leased_at'), table_name='leases')
    with op.batch_alter_table('proposal_runs') as runs:
        runs.drop_column('claimed_until')
