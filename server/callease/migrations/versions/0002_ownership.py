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
    op.execute(
        'ALTER TABLE numbers ADD COLUMN next_office_id VARCHAR(40)'
        ' CONSTRAINT fk_numbers_next_office_id_offices REFERENCES offices (id)'
    )
    op.add_column('numbers', sa.Column('quarantine_until', sa.DateTime(timezone=True), nullable=True))
    op.create_index('ix_numbers_state_quarantine_until', 'numbers', ['state', 'quarantine_until'], unique=False)
    # Snapshots of the older version do not say in which state a number is.
    op.execute("UPDATE revisions SET value = value + 1 WHERE name = 'routing'")


def downgrade() -> None:
    """Numbers that were to move stay with their owners; they are leased again."""
    op.execute("UPDATE numbers SET state = 'active' WHERE state = 'quarantine'")
    op.drop_index('ix_numbers_state_quarantine_until', table_name='numbers')
    op.execute('ALTER TABLE numbers DROP COLUMN next_office_id')
    op.execute('ALTER TABLE numbers DROP COLUMN quarantine_until')
