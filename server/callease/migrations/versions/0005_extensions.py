"""extensions: codes that tell leases of one number apart"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('number_codes',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('number_id', sa.String(length=40), nullable=False),
    sa.Column('code', sa.String(length=8), nullable=False),
    sa.Column('free_since', sa.DateTime(timezone=True), nullable=False),
    sa.Column('leased_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['id'], ['leases.id'], name=op.f('fk_number_codes_id_leases')),
    sa.ForeignKeyConstraint(['number_id'], ['numbers.id'], name=op.f('fk_number_codes_number_id_numbers')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_number_codes')),
    sa.UniqueConstraint('number_id', 'code', 'free_since', name=op.f('uq_number_codes_number_id_code_free_since'))
    )
    op.create_index(op.f('ix_number_codes_number_id_code_leased_at'), 'number_codes', ['number_id', 'code', 'leased_at'], unique=False)
    op.add_column('call_events', sa.Column('digits', sa.String(length=20), nullable=True))


def downgrade() -> None:
    """Dialled codes are forgotten; calls keep what they were attributed to."""
    op.execute('ALTER TABLE call_events DROP COLUMN digits')
    op.drop_index(op.f('ix_number_codes_number_id_code_leased_at'), table_name='number_codes')
    op.drop_table('number_codes')
