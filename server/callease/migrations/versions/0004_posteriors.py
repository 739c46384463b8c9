"""posteriors: what is believed of callers, which leases have brought their calls, the delays that were learnt"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None

_AT_ONCE = 1_000


def upgrade() -> None:
    op.create_table(
        'learnt_delays',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('first', sa.JSON(), nullable=False),
        sa.Column('again', sa.JSON(), nullable=False),
        sa.Column('hidden', sa.Float(), nullable=False),
        sa.Column('young', sa.JSON(), nullable=False),
        sa.Column('state', sa.JSON(), nullable=False),
        sa.Column('until', sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_learnt_delays')),
    )
    spent = op.create_table(
        'spent_leases',
        sa.Column('call_id', sa.String(length=40), nullable=False),
        sa.Column('lease_id', sa.String(length=40), nullable=False),
        sa.Column('p', sa.Float(), nullable=False),
        sa.Column('hidden', sa.Boolean(), nullable=False),
        sa.Column('pool_told', sa.Boolean(), nullable=False),
        sa.Column('at', sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(['lease_id'], ['leases.id'], name=op.f('fk_spent_leases_lease_id_leases')),
        sa.PrimaryKeyConstraint('call_id', 'lease_id', name=op.f('pk_spent_leases')),
    )
    with op.batch_alter_table('spent_leases', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_spent_leases_at'), ['at'], unique=False)
        batch_op.create_index(batch_op.f('ix_spent_leases_lease_id_at'), ['lease_id', 'at'], unique=False)
        batch_op.create_index(batch_op.f('ix_spent_leases_pool_told_at'), ['pool_told', 'at'], unique=False)

    with op.batch_alter_table('caller_memory', schema=None) as batch_op:
        batch_op.add_column(sa.Column('leases', sa.JSON(), nullable=True))
        batch_op.add_column(sa.Column('unknown', sa.JSON(), nullable=True))
        batch_op.add_column(sa.Column('visitors', sa.JSON(), nullable=True))
        batch_op.add_column(sa.Column('first_at', sa.DateTime(timezone=True), nullable=True))
    _carry_over(spent)
    with op.batch_alter_table('caller_memory', schema=None) as batch_op:
        for name in ('leases', 'unknown', 'visitors'):
            batch_op.alter_column(name, existing_type=sa.JSON(), nullable=False)
        batch_op.alter_column('first_at', existing_type=sa.DateTime(timezone=True), nullable=False)
        batch_op.alter_column('caller_hash', existing_type=sa.String(length=40), nullable=False)
        batch_op.drop_index(batch_op.f('ix_caller_memory_lease_id_at'))
        for name in ('session_confidence', 'source_confidence', 'visitor', 'lease_id', 'source_class'):
            batch_op.drop_column(name)


def _carry_over(spent: sa.Table) -> None:
    """One lease with one probability becomes a posterior with one entry; hidden callers have no memory any more.

    A caller's later calls because of the same lease are further ones: they spent nothing.
    """
    memory = sa.table(
        'caller_memory',
        *(sa.column(name) for name in ('call_id', 'caller_hash', 'lease_id', 'visitor', 'source_class')),
        *(sa.column(name, sa.JSON()) for name in ('leases', 'unknown', 'visitors')),
        *(sa.column(name, sa.Float()) for name in ('source_confidence', 'session_confidence')),
        *(sa.column(name, sa.DateTime(timezone=True)) for name in ('first_at', 'at')),
    )
    leases = sa.table('leases', *(sa.column(name) for name in ('id', 'listing_id')))
    earlier = memory.alias()
    first_at = (
        sa.select(sa.func.min(earlier.c.at))
        .where(earlier.c.caller_hash == memory.c.caller_hash, earlier.c.lease_id == memory.c.lease_id)
        .scalar_subquery()
    )
    connection = op.get_bind()
    last = ''
    while True:
        query = sa.select(
            *(column for column in memory.c if column.name != 'first_at'), leases.c.listing_id,
            sa.func.coalesce(first_at, memory.c.at).label('first_at'),
        ).outerjoin(leases, leases.c.id == memory.c.lease_id)
        rows = connection.execute(
            query.where(memory.c.call_id > last).order_by(memory.c.call_id).limit(_AT_ONCE)
        ).mappings().all()
        if not rows:
            break
        last = rows[-1]['call_id']
        for row in rows:
            p, lease, visitor = row['session_confidence'], row['lease_id'], row['visitor']
            unknown = {row['source_class']: max(0.0, row['source_confidence'] - p)} if row['source_class'] else {}
            belief = [lease, visitor, row['listing_id'], row['source_class'] or 'direct', p]
            connection.execute(
                memory.update()
                .where(memory.c.call_id == row['call_id'])
                .values(
                    leases=[belief] if lease else [],
                    unknown=unknown,
                    visitors={visitor: p} if visitor and lease else {},
                    first_at=row['first_at'],
                )
            )
        told = [
            {
                'call_id': row['call_id'],
                'lease_id': row['lease_id'],
                'p': row['session_confidence'],
                'hidden': row['caller_hash'] is None,
                'pool_told': True,
                'at': row['at'],
            }
            for row in rows
            if row['lease_id'] and row['first_at'] == row['at']
        ]
        if told:
            connection.execute(spent.insert(), told)
    connection.execute(memory.delete().where(memory.c.caller_hash.is_(None)))


def downgrade() -> None:
    """Callers are forgotten: a posterior does not fit into the old columns."""
    op.execute('DELETE FROM caller_memory')
    with op.batch_alter_table('caller_memory', schema=None) as batch_op:
        batch_op.add_column(sa.Column('source_class', sa.String(length=40), nullable=True))
        batch_op.add_column(sa.Column('lease_id', sa.String(length=40), nullable=True))
        batch_op.add_column(sa.Column('visitor', sa.String(length=100), nullable=True))
        batch_op.add_column(sa.Column('source_confidence', sa.Float(), nullable=False))
        batch_op.add_column(sa.Column('session_confidence', sa.Float(), nullable=False))
        batch_op.create_index(batch_op.f('ix_caller_memory_lease_id_at'), ['lease_id', 'at'], unique=False)
        batch_op.alter_column('caller_hash', existing_type=sa.String(length=40), nullable=True)
        for name in ('first_at', 'visitors', 'unknown', 'leases'):
            batch_op.drop_column(name)
    op.drop_table('spent_leases')
    op.drop_table('learnt_delays')
