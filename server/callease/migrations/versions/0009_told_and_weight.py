"""told and weight: how much of a spent lease its pool knows; what a lease counts in its pool"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0009'
down_revision = '0008'
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Their defaults stay: without them SQLite would write the whole lease log anew.
    op.add_column('spent_leases', sa.Column('told_p', sa.Float(), nullable=False, server_default='0'))
    op.add_column('leases', sa.Column('weight', sa.Float(), nullable=False, server_default='1'))
    spent = sa.table('spent_leases', sa.column('p', sa.Float()), sa.column('told_p', sa.Float()),
                     sa.column('pool_told', sa.Boolean()))
    op.execute(sa.update(spent).where(spent.c.pool_told.is_(True)).values(told_p=spent.c.p))


def downgrade() -> None:
    op.drop_column('leases', 'weight')
    op.drop_column('spent_leases', 'told_p')
