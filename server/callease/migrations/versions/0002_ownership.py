"""ownership: a number that was shown goes to its next office through quarantine"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
    # In words that both databases know: SQLite would rebuild the table for a key, and leases refer to it.
    for name in ('previous_office_id', 'next_office_id'):
        op.execute(
            f'ALTER TABLE numbers ADD COLUMN {name} VARCHAR(40)'
            f' CONSTRAINT fk_numbers_{name}_offices REFERENCES offices (id)'
        )
    op.add_column('numbers', sa.Column('next_source_class', sa.String(length=40), nullable=True))
    op.add_column('numbers', sa.Column('quarantine_until', sa.DateTime(timezone=True), nullable=True))
    op.create_index('ix_numbers_state_quarantine_until', 'numbers', ['state', 'quarantine_until'], unique=False)
    # Snapshots of the older version do not say in which state a number is.
    op.execute("UPDATE revisions SET value = value + 1 WHERE name = 'routing'")


def downgrade() -> None:
    """Numbers that were to move stay with their owners; they are leased again."""
    op.execute("UPDATE numbers SET state = 'active' WHERE state = 'quarantine'")
    op.drop_index('ix_numbers_state_quarantine_until', table_name='numbers')
    for name in ('previous_office_id', 'next_office_id', 'next_source_class', 'quarantine_until'):
        op.execute(f'ALTER TABLE numbers DROP COLUMN {name}')
