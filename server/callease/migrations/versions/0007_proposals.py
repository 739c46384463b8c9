"""proposals: what the planner would change about numbers, and when it looked"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'proposal_runs',
        sa.Column('id', sa.String(length=40), nullable=False),
        sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('slot', sa.Integer(), nullable=True),
        sa.Column('done_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('days', sa.Float(), nullable=True),
        sa.Column('reveals', sa.Integer(), nullable=True),
        sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_proposal_runs')),
        sa.UniqueConstraint('slot', name=op.f('uq_proposal_runs_slot')),
    )
    op.create_table(
        'proposals',
        sa.Column('id', sa.String(length=40), nullable=False),
        sa.Column('run_id', sa.String(length=40), nullable=False),
        sa.Column('kind', sa.String(length=10), nullable=False),
        sa.Column('state', sa.String(length=12), nullable=False),
        sa.Column('office_id', sa.String(length=40), nullable=False),
        sa.Column('from_office_id', sa.String(length=40), nullable=True),
        sa.Column('number_ids', sa.JSON(), nullable=False),
        sa.Column('count', sa.Integer(), nullable=False),
        sa.Column('source_class', sa.String(length=40), nullable=True),
        sa.Column('at_once', sa.Boolean(), nullable=False),
        sa.Column('owned', sa.Integer(), nullable=False),
        sa.Column('gain', sa.JSON(), nullable=False),
        sa.Column('loses_meanwhile', sa.JSON(none_as_null=True), nullable=True),
        sa.Column('monthly_cost', sa.JSON(none_as_null=True), nullable=True),
        sa.Column('quarantine_until', sa.DateTime(timezone=True), nullable=True),
        sa.Column('decided_by', sa.String(length=254), nullable=True),
        sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('listed_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(['from_office_id'], ['offices.id'], name=op.f('fk_proposals_from_office_id_offices')),
        sa.ForeignKeyConstraint(['office_id'], ['offices.id'], name=op.f('fk_proposals_office_id_offices')),
        sa.ForeignKeyConstraint(['run_id'], ['proposal_runs.id'], name=op.f('fk_proposals_run_id_proposal_runs')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_proposals')),
    )
    op.create_index(op.f('ix_proposals_state_listed_at'), 'proposals', ['state', 'listed_at'], unique=False)


def downgrade() -> None:
    op.drop_table('proposals')
    op.drop_table('proposal_runs')
