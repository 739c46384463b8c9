"""measured: what measure mode counts, and sizings"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'measured_reveals',
        sa.Column('site_id', sa.String(length=40), nullable=False),
        sa.Column('office_id', sa.String(length=40), nullable=False),
        sa.Column('source_class', sa.String(length=40), nullable=False),
        sa.Column('hour_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('count', sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(['office_id'], ['offices.id'], name=op.f('fk_measured_reveals_office_id_offices')),
        sa.ForeignKeyConstraint(['site_id'], ['sites.id'], name=op.f('fk_measured_reveals_site_id_sites')),
        sa.PrimaryKeyConstraint('site_id', 'office_id', 'source_class', 'hour_at', name=op.f('pk_measured_reveals')),
    )
    op.create_index(op.f('ix_measured_reveals_hour_at'), 'measured_reveals', ['hour_at'], unique=False)
    op.create_table(
        'measured_visits',
        sa.Column('site_id', sa.String(length=40), nullable=False),
        sa.Column('source_class', sa.String(length=40), nullable=False),
        sa.Column('hour_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('count', sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(['site_id'], ['sites.id'], name=op.f('fk_measured_visits_site_id_sites')),
        sa.PrimaryKeyConstraint('site_id', 'source_class', 'hour_at', name=op.f('pk_measured_visits')),
    )
    op.create_index(op.f('ix_measured_visits_hour_at'), 'measured_visits', ['hour_at'], unique=False)
    op.create_table(
        'sizings',
        sa.Column('id', sa.String(length=40), nullable=False),
        sa.Column('site_id', sa.String(length=40), nullable=False),
        sa.Column('slot', sa.String(length=60), nullable=True),
        sa.Column('state', sa.String(length=10), nullable=False),
        sa.Column('asked_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('claimed_until', sa.DateTime(timezone=True), nullable=True),
        sa.Column('done_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('problem', sa.String(length=20), nullable=True),
        sa.Column('result', sa.JSON(none_as_null=True), nullable=True),
        sa.ForeignKeyConstraint(['site_id'], ['sites.id'], name=op.f('fk_sizings_site_id_sites')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_sizings')),
        sa.UniqueConstraint('slot', name=op.f('uq_sizings_slot')),
    )
    op.create_index(op.f('ix_sizings_site_id_asked_at'), 'sizings', ['site_id', 'asked_at'], unique=False)
    op.create_index(op.f('ix_sizings_state_due_at'), 'sizings', ['state', 'due_at'], unique=False)


def downgrade() -> None:
    op.drop_table('sizings')
    op.drop_table('measured_visits')
    op.drop_table('measured_reveals')
