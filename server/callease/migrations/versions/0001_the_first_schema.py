"""the first schema"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0001'
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('advertisers',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('external_id', sa.String(length=100), nullable=True),
    sa.Column('plan', sa.String(length=10), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('retired_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_advertisers'))
    )
    op.create_table('idempotency_keys',
    sa.Column('id', sa.String(length=64), nullable=False),
    sa.Column('request_hash', sa.String(length=64), nullable=False),
    sa.Column('status', sa.Integer(), nullable=False),
    sa.Column('answer_sealed', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_idempotency_keys'))
    )
    op.create_table('outbox_events',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('type', sa.String(length=40), nullable=False),
    sa.Column('advertiser_id', sa.String(length=40), nullable=True),
    sa.Column('subject_id', sa.String(length=40), nullable=False),
    sa.Column('payload', sa.JSON(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('fanned_out_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_outbox_events'))
    )
    with op.batch_alter_table('outbox_events', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_outbox_events_advertiser_id'), ['advertiser_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_outbox_events_fanned_out_at_created_at'), ['fanned_out_at', 'created_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_outbox_events_subject_id'), ['subject_id'], unique=False)

    op.create_table('revisions',
    sa.Column('name', sa.String(length=20), nullable=False),
    sa.Column('value', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_revisions'))
    )
    op.create_table('sites',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('key', sa.String(length=40), nullable=False),
    sa.Column('token_key_sealed', sa.String(length=300), nullable=False),
    sa.Column('domains', sa.JSON(), nullable=False),
    sa.Column('region', sa.String(length=2), nullable=False),
    sa.Column('timezone', sa.String(length=60), nullable=False),
    sa.Column('locale', sa.String(length=10), nullable=False),
    sa.Column('excluded_ips', sa.JSON(), nullable=False),
    sa.Column('mode', sa.String(length=10), nullable=False),
    sa.Column('objective', sa.String(length=10), nullable=False),
    sa.Column('consent_required', sa.Boolean(), nullable=False),
    sa.Column('require_token', sa.Boolean(), nullable=False),
    sa.Column('lease_seconds', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('retired_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_sites')),
    sa.UniqueConstraint('key', name=op.f('uq_sites_key'))
    )
    op.create_table('telephony_accounts',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('provider', sa.String(length=20), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('address', sa.String(length=64), nullable=False),
    sa.Column('credentials_sealed', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('retired_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_telephony_accounts')),
    sa.UniqueConstraint('address', name=op.f('uq_telephony_accounts_address'))
    )
    op.create_table('api_tokens',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('role', sa.String(length=20), nullable=False),
    sa.Column('advertiser_id', sa.String(length=40), nullable=True),
    sa.Column('token_hash', sa.String(length=64), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('retired_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['advertiser_id'], ['advertisers.id'], name=op.f('fk_api_tokens_advertiser_id_advertisers')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_api_tokens')),
    sa.UniqueConstraint('token_hash', name=op.f('uq_api_tokens_token_hash'))
    )
    with op.batch_alter_table('api_tokens', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_api_tokens_advertiser_id'), ['advertiser_id'], unique=False)

    op.create_table('contacts',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('advertiser_id', sa.String(length=40), nullable=True),
    sa.Column('advertiser_key', sa.String(length=40), nullable=False),
    sa.Column('phone', sa.String(length=16), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['advertiser_id'], ['advertisers.id'], name=op.f('fk_contacts_advertiser_id_advertisers')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_contacts')),
    sa.UniqueConstraint('advertiser_key', 'phone', name=op.f('uq_contacts_advertiser_key_phone'))
    )
    with op.batch_alter_table('contacts', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_contacts_advertiser_id'), ['advertiser_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_contacts_phone'), ['phone'], unique=False)

    op.create_table('offices',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('advertiser_id', sa.String(length=40), nullable=True),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('destinations', sa.JSON(), nullable=False),
    sa.Column('hours', sa.JSON(none_as_null=True), nullable=True),
    sa.Column('timezone', sa.String(length=60), nullable=True),
    sa.Column('overflow_office_id', sa.String(length=40), nullable=True),
    sa.Column('pool_version', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('retired_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['advertiser_id'], ['advertisers.id'], name=op.f('fk_offices_advertiser_id_advertisers')),
    sa.ForeignKeyConstraint(['overflow_office_id'], ['offices.id'], name=op.f('fk_offices_overflow_office_id_offices')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_offices'))
    )
    with op.batch_alter_table('offices', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_offices_advertiser_id'), ['advertiser_id'], unique=False)

    op.create_table('telephony_messages',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('account_id', sa.String(length=40), nullable=False),
    sa.Column('suffix', sa.String(length=60), nullable=False),
    sa.Column('content_type', sa.String(length=100), nullable=False),
    sa.Column('body', sa.LargeBinary(), nullable=False),
    sa.Column('received_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('state', sa.String(length=10), nullable=False),
    sa.Column('tries', sa.Integer(), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('problem', sa.Text(), nullable=True),
    sa.ForeignKeyConstraint(['account_id'], ['telephony_accounts.id'], name=op.f('fk_telephony_messages_account_id_telephony_accounts')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_telephony_messages'))
    )
    with op.batch_alter_table('telephony_messages', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_telephony_messages_account_id'), ['account_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_telephony_messages_state_due_at'), ['state', 'due_at'], unique=False)

    op.create_table('users',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('email', sa.String(length=254), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=True),
    sa.Column('role', sa.String(length=20), nullable=False),
    sa.Column('advertiser_id', sa.String(length=40), nullable=True),
    sa.Column('password_hash', sa.String(length=200), nullable=True),
    sa.Column('locale', sa.String(length=10), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('retired_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['advertiser_id'], ['advertisers.id'], name=op.f('fk_users_advertiser_id_advertisers')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_users')),
    sa.UniqueConstraint('email', name=op.f('uq_users_email'))
    )
    with op.batch_alter_table('users', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_users_advertiser_id'), ['advertiser_id'], unique=False)

    op.create_table('visits',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('site_id', sa.String(length=40), nullable=False),
    sa.Column('visitor', sa.String(length=100), nullable=True),
    sa.Column('session', sa.String(length=100), nullable=True),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('seen_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('landing', sa.Text(), nullable=True),
    sa.Column('title', sa.Text(), nullable=True),
    sa.Column('referrer', sa.Text(), nullable=True),
    sa.Column('source_class', sa.String(length=40), nullable=False),
    sa.Column('source', sa.String(length=200), nullable=True),
    sa.Column('medium', sa.String(length=200), nullable=True),
    sa.Column('campaign', sa.Text(), nullable=True),
    sa.Column('term', sa.Text(), nullable=True),
    sa.Column('content', sa.Text(), nullable=True),
    sa.Column('clients', sa.JSON(), nullable=False),
    sa.Column('device', sa.String(length=20), nullable=True),
    sa.Column('is_bot', sa.Boolean(), nullable=False),
    sa.ForeignKeyConstraint(['site_id'], ['sites.id'], name=op.f('fk_visits_site_id_sites')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_visits'))
    )
    with op.batch_alter_table('visits', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_visits_site_id_session_started_at'), ['site_id', 'session', 'started_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_visits_site_id_visitor_started_at'), ['site_id', 'visitor', 'started_at'], unique=False)

    op.create_table('webhook_endpoints',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('url', sa.Text(), nullable=False),
    sa.Column('events', sa.JSON(), nullable=False),
    sa.Column('advertiser_id', sa.String(length=40), nullable=True),
    sa.Column('secret_sealed', sa.String(length=300), nullable=False),
    sa.Column('off_reason', sa.String(length=20), nullable=True),
    sa.Column('failing_since', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('retired_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['advertiser_id'], ['advertisers.id'], name=op.f('fk_webhook_endpoints_advertiser_id_advertisers')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_webhook_endpoints'))
    )
    with op.batch_alter_table('webhook_endpoints', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_webhook_endpoints_advertiser_id'), ['advertiser_id'], unique=False)

    op.create_table('deliveries',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('endpoint_id', sa.String(length=40), nullable=False),
    sa.Column('event_id', sa.String(length=40), nullable=False),
    sa.Column('type', sa.String(length=40), nullable=False),
    sa.Column('advertiser_id', sa.String(length=40), nullable=True),
    sa.Column('state', sa.String(length=10), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('claimed_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('reason', sa.String(length=200), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('settled_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['endpoint_id'], ['webhook_endpoints.id'], name=op.f('fk_deliveries_endpoint_id_webhook_endpoints')),
    sa.ForeignKeyConstraint(['event_id'], ['outbox_events.id'], name=op.f('fk_deliveries_event_id_outbox_events')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_deliveries')),
    sa.UniqueConstraint('endpoint_id', 'event_id', name=op.f('uq_deliveries_endpoint_id_event_id'))
    )
    with op.batch_alter_table('deliveries', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_deliveries_advertiser_id'), ['advertiser_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_deliveries_event_id'), ['event_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_deliveries_state_due_at'), ['state', 'due_at'], unique=False)

    op.create_table('listings',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('site_id', sa.String(length=40), nullable=False),
    sa.Column('advertiser_id', sa.String(length=40), nullable=False),
    sa.Column('office_id', sa.String(length=40), nullable=True),
    sa.Column('external_id', sa.String(length=200), nullable=False),
    sa.Column('title', sa.Text(), nullable=False),
    sa.Column('url', sa.Text(), nullable=True),
    sa.Column('phone', sa.String(length=16), nullable=True),
    sa.Column('complex', sa.String(length=200), nullable=True),
    sa.Column('price', sa.JSON(none_as_null=True), nullable=True),
    sa.Column('status', sa.String(length=10), nullable=False),
    sa.Column('revision', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['advertiser_id'], ['advertisers.id'], name=op.f('fk_listings_advertiser_id_advertisers')),
    sa.ForeignKeyConstraint(['office_id'], ['offices.id'], name=op.f('fk_listings_office_id_offices')),
    sa.ForeignKeyConstraint(['site_id'], ['sites.id'], name=op.f('fk_listings_site_id_sites')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_listings')),
    sa.UniqueConstraint('site_id', 'external_id', name=op.f('uq_listings_site_id_external_id'))
    )
    with op.batch_alter_table('listings', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_listings_advertiser_id_status'), ['advertiser_id', 'status'], unique=False)
        batch_op.create_index(batch_op.f('ix_listings_office_id'), ['office_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_listings_revision'), ['revision'], unique=False)

    op.create_table('numbers',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('e164', sa.String(length=16), nullable=False),
    sa.Column('office_id', sa.String(length=40), nullable=False),
    sa.Column('source_class', sa.String(length=40), nullable=True),
    sa.Column('role', sa.String(length=10), nullable=False),
    sa.Column('telephony_account_id', sa.String(length=40), nullable=True),
    sa.Column('monthly_cost', sa.JSON(none_as_null=True), nullable=True),
    sa.Column('state', sa.String(length=12), nullable=False),
    sa.Column('owner_since', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['office_id'], ['offices.id'], name=op.f('fk_numbers_office_id_offices')),
    sa.ForeignKeyConstraint(['telephony_account_id'], ['telephony_accounts.id'], name=op.f('fk_numbers_telephony_account_id_telephony_accounts')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_numbers')),
    sa.UniqueConstraint('e164', name=op.f('uq_numbers_e164'))
    )
    with op.batch_alter_table('numbers', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_numbers_office_id_state'), ['office_id', 'state'], unique=False)

    op.create_table('caller_memory',
    sa.Column('call_id', sa.String(length=40), nullable=False),
    sa.Column('number_id', sa.String(length=40), nullable=False),
    sa.Column('caller_hash', sa.String(length=40), nullable=True),
    sa.Column('office_id', sa.String(length=40), nullable=False),
    sa.Column('lease_id', sa.String(length=40), nullable=True),
    sa.Column('visitor', sa.String(length=100), nullable=True),
    sa.Column('source_class', sa.String(length=40), nullable=True),
    sa.Column('source_confidence', sa.Float(), nullable=False),
    sa.Column('session_confidence', sa.Float(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['number_id'], ['numbers.id'], name=op.f('fk_caller_memory_number_id_numbers')),
    sa.ForeignKeyConstraint(['office_id'], ['offices.id'], name=op.f('fk_caller_memory_office_id_offices')),
    sa.PrimaryKeyConstraint('call_id', name=op.f('pk_caller_memory'))
    )
    with op.batch_alter_table('caller_memory', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_caller_memory_caller_hash_at'), ['caller_hash', 'at'], unique=False)
        batch_op.create_index(batch_op.f('ix_caller_memory_lease_id_at'), ['lease_id', 'at'], unique=False)
        batch_op.create_index(batch_op.f('ix_caller_memory_number_id_caller_hash_at'), ['number_id', 'caller_hash', 'at'], unique=False)

    op.create_table('delivery_attempts',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('delivery_id', sa.String(length=40), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('milliseconds', sa.Integer(), nullable=False),
    sa.Column('status', sa.Integer(), nullable=True),
    sa.Column('problem', sa.String(length=200), nullable=True),
    sa.Column('reply', sa.Text(), nullable=True),
    sa.ForeignKeyConstraint(['delivery_id'], ['deliveries.id'], name=op.f('fk_delivery_attempts_delivery_id_deliveries')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_delivery_attempts'))
    )
    with op.batch_alter_table('delivery_attempts', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_delivery_attempts_delivery_id'), ['delivery_id'], unique=False)

    op.create_table('leases',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('number_id', sa.String(length=40), nullable=False),
    sa.Column('office_id', sa.String(length=40), nullable=False),
    sa.Column('site_id', sa.String(length=40), nullable=False),
    sa.Column('listing_id', sa.String(length=40), nullable=True),
    sa.Column('subject', sa.String(length=64), nullable=False),
    sa.Column('visitor', sa.String(length=100), nullable=True),
    sa.Column('session', sa.String(length=100), nullable=True),
    sa.Column('visit_id', sa.String(length=40), nullable=True),
    sa.Column('source_class', sa.String(length=40), nullable=False),
    sa.Column('kind', sa.String(length=10), nullable=False),
    sa.Column('borrowed', sa.Boolean(), nullable=False),
    sa.Column('consented', sa.Boolean(), nullable=False),
    sa.Column('page_url', sa.Text(), nullable=True),
    sa.Column('referrer', sa.Text(), nullable=True),
    sa.Column('leased_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['listing_id'], ['listings.id'], name=op.f('fk_leases_listing_id_listings')),
    sa.ForeignKeyConstraint(['number_id'], ['numbers.id'], name=op.f('fk_leases_number_id_numbers')),
    sa.ForeignKeyConstraint(['office_id'], ['offices.id'], name=op.f('fk_leases_office_id_offices')),
    sa.ForeignKeyConstraint(['site_id'], ['sites.id'], name=op.f('fk_leases_site_id_sites')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_leases'))
    )
    with op.batch_alter_table('leases', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_leases_listing_id'), ['listing_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_leases_number_id_leased_at'), ['number_id', 'leased_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_leases_office_id_expires_at'), ['office_id', 'expires_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_leases_visitor_leased_at'), ['visitor', 'leased_at'], unique=False)

    op.create_table('calls',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('account_id', sa.String(length=40), nullable=False),
    sa.Column('provider_call_id', sa.String(length=200), nullable=False),
    sa.Column('number_id', sa.String(length=40), nullable=False),
    sa.Column('tracking_number', sa.String(length=16), nullable=False),
    sa.Column('office_id', sa.String(length=40), nullable=False),
    sa.Column('advertiser_id', sa.String(length=40), nullable=True),
    sa.Column('site_id', sa.String(length=40), nullable=True),
    sa.Column('listing_id', sa.String(length=40), nullable=True),
    sa.Column('lease_id', sa.String(length=40), nullable=True),
    sa.Column('caller', sa.String(length=16), nullable=True),
    sa.Column('caller_hash', sa.String(length=40), nullable=True),
    sa.Column('digits', sa.String(length=20), nullable=True),
    sa.Column('routed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('answered_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('wait', sa.Integer(), nullable=True),
    sa.Column('talk', sa.Integer(), nullable=True),
    sa.Column('duration', sa.Integer(), nullable=True),
    sa.Column('disposition', sa.String(length=20), nullable=True),
    sa.Column('destination', sa.String(length=100), nullable=True),
    sa.Column('recording_url', sa.Text(), nullable=True),
    sa.Column('method', sa.String(length=20), nullable=False),
    sa.Column('source_class', sa.String(length=40), nullable=True),
    sa.Column('office_confidence', sa.Double(), nullable=False),
    sa.Column('source_confidence', sa.Double(), nullable=False),
    sa.Column('session_confidence', sa.Double(), nullable=False),
    sa.Column('candidates', sa.JSON(), nullable=False),
    sa.Column('evidence', sa.JSON(), nullable=False),
    sa.Column('events_seen', sa.JSON(), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['telephony_accounts.id'], name=op.f('fk_calls_account_id_telephony_accounts')),
    sa.ForeignKeyConstraint(['advertiser_id'], ['advertisers.id'], name=op.f('fk_calls_advertiser_id_advertisers')),
    sa.ForeignKeyConstraint(['lease_id'], ['leases.id'], name=op.f('fk_calls_lease_id_leases')),
    sa.ForeignKeyConstraint(['listing_id'], ['listings.id'], name=op.f('fk_calls_listing_id_listings')),
    sa.ForeignKeyConstraint(['number_id'], ['numbers.id'], name=op.f('fk_calls_number_id_numbers')),
    sa.ForeignKeyConstraint(['office_id'], ['offices.id'], name=op.f('fk_calls_office_id_offices')),
    sa.ForeignKeyConstraint(['site_id'], ['sites.id'], name=op.f('fk_calls_site_id_sites')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_calls'))
    )
    with op.batch_alter_table('calls', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_calls_advertiser_id_started_at'), ['advertiser_id', 'started_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_calls_caller_hash_started_at'), ['caller_hash', 'started_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_calls_lease_id'), ['lease_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_calls_listing_id'), ['listing_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_calls_number_id_started_at'), ['number_id', 'started_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_calls_provider_call_id'), ['provider_call_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_calls_started_at_id'), ['started_at', 'id'], unique=False)
        batch_op.create_index(batch_op.f('ix_calls_tracking_number_started_at'), ['tracking_number', 'started_at'], unique=False)

    op.create_table('lease_events',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('lease_id', sa.String(length=40), nullable=False),
    sa.Column('type', sa.String(length=10), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['lease_id'], ['leases.id'], name=op.f('fk_lease_events_lease_id_leases')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lease_events'))
    )
    with op.batch_alter_table('lease_events', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_lease_events_lease_id_at'), ['lease_id', 'at'], unique=False)

    op.create_table('call_events',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('call_id', sa.String(length=40), nullable=False),
    sa.Column('fingerprint', sa.String(length=40), nullable=False),
    sa.Column('message_id', sa.String(length=40), nullable=True),
    sa.Column('type', sa.String(length=20), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('caller', sa.String(length=16), nullable=True),
    sa.Column('disposition', sa.String(length=20), nullable=True),
    sa.Column('wait', sa.Integer(), nullable=True),
    sa.Column('talk', sa.Integer(), nullable=True),
    sa.Column('duration', sa.Integer(), nullable=True),
    sa.Column('answered_by', sa.String(length=100), nullable=True),
    sa.Column('recording_url', sa.Text(), nullable=True),
    sa.Column('received_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['call_id'], ['calls.id'], name=op.f('fk_call_events_call_id_calls')),
    sa.ForeignKeyConstraint(['message_id'], ['telephony_messages.id'], name=op.f('fk_call_events_message_id_telephony_messages')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_call_events')),
    sa.UniqueConstraint('call_id', 'fingerprint', name=op.f('uq_call_events_call_id_fingerprint'))
    )
    op.create_table('leads',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('kind', sa.String(length=10), nullable=False),
    sa.Column('status', sa.String(length=10), nullable=False),
    sa.Column('advertiser_id', sa.String(length=40), nullable=True),
    sa.Column('office_id', sa.String(length=40), nullable=False),
    sa.Column('contact_id', sa.String(length=40), nullable=True),
    sa.Column('first_time', sa.Boolean(), nullable=False),
    sa.Column('call_id', sa.String(length=40), nullable=True),
    sa.Column('claimed_by_id', sa.String(length=40), nullable=True),
    sa.Column('claimed_by', sa.String(length=254), nullable=True),
    sa.Column('tags', sa.JSON(), nullable=False),
    sa.Column('target', sa.Boolean(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['advertiser_id'], ['advertisers.id'], name=op.f('fk_leads_advertiser_id_advertisers')),
    sa.ForeignKeyConstraint(['call_id'], ['calls.id'], name=op.f('fk_leads_call_id_calls')),
    sa.ForeignKeyConstraint(['contact_id'], ['contacts.id'], name=op.f('fk_leads_contact_id_contacts')),
    sa.ForeignKeyConstraint(['office_id'], ['offices.id'], name=op.f('fk_leads_office_id_offices')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_leads')),
    sa.UniqueConstraint('call_id', name=op.f('uq_leads_call_id'))
    )
    with op.batch_alter_table('leads', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_leads_advertiser_id_created_at_id'), ['advertiser_id', 'created_at', 'id'], unique=False)
        batch_op.create_index(batch_op.f('ix_leads_advertiser_id_status_created_at'), ['advertiser_id', 'status', 'created_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_leads_advertiser_id_updated_at'), ['advertiser_id', 'updated_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_leads_contact_id_id'), ['contact_id', 'id'], unique=False)
        batch_op.create_index(batch_op.f('ix_leads_created_at_id'), ['created_at', 'id'], unique=False)
        batch_op.create_index(batch_op.f('ix_leads_office_id'), ['office_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_leads_status_created_at'), ['status', 'created_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_leads_updated_at'), ['updated_at'], unique=False)

    op.create_table('lead_changes',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('lead_id', sa.String(length=40), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('actor', sa.String(length=254), nullable=True),
    sa.Column('action', sa.String(length=20), nullable=False),
    sa.Column('values', sa.JSON(), nullable=False),
    sa.ForeignKeyConstraint(['lead_id'], ['leads.id'], name=op.f('fk_lead_changes_lead_id_leads')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lead_changes'))
    )
    with op.batch_alter_table('lead_changes', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_lead_changes_lead_id_at'), ['lead_id', 'at'], unique=False)

    op.bulk_insert(
        sa.table("revisions", sa.column("name", sa.String), sa.column("value", sa.Integer)),
        [{"name": "routing", "value": 1}, {"name": "listings", "value": 1}],
    )


def downgrade() -> None:
    with op.batch_alter_table('lead_changes', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_lead_changes_lead_id_at'))

    op.drop_table('lead_changes')
    with op.batch_alter_table('leads', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_leads_updated_at'))
        batch_op.drop_index(batch_op.f('ix_leads_status_created_at'))
        batch_op.drop_index(batch_op.f('ix_leads_office_id'))
        batch_op.drop_index(batch_op.f('ix_leads_created_at_id'))
        batch_op.drop_index(batch_op.f('ix_leads_contact_id_id'))
        batch_op.drop_index(batch_op.f('ix_leads_advertiser_id_updated_at'))
        batch_op.drop_index(batch_op.f('ix_leads_advertiser_id_status_created_at'))
        batch_op.drop_index(batch_op.f('ix_leads_advertiser_id_created_at_id'))

    op.drop_table('leads')
    op.drop_table('call_events')
    with op.batch_alter_table('lease_events', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_lease_events_lease_id_at'))

    op.drop_table('lease_events')
    with op.batch_alter_table('calls', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_calls_tracking_number_started_at'))
        batch_op.drop_index(batch_op.f('ix_calls_started_at_id'))
        batch_op.drop_index(batch_op.f('ix_calls_provider_call_id'))
        batch_op.drop_index(batch_op.f('ix_calls_number_id_started_at'))
        batch_op.drop_index(batch_op.f('ix_calls_listing_id'))
        batch_op.drop_index(batch_op.f('ix_calls_lease_id'))
        batch_op.drop_index(batch_op.f('ix_calls_caller_hash_started_at'))
        batch_op.drop_index(batch_op.f('ix_calls_advertiser_id_started_at'))

    op.drop_table('calls')
    with op.batch_alter_table('leases', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_leases_visitor_leased_at'))
        batch_op.drop_index(batch_op.f('ix_leases_office_id_expires_at'))
        batch_op.drop_index(batch_op.f('ix_leases_number_id_leased_at'))
        batch_op.drop_index(batch_op.f('ix_leases_listing_id'))

    op.drop_table('leases')
    with op.batch_alter_table('delivery_attempts', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_delivery_attempts_delivery_id'))

    op.drop_table('delivery_attempts')
    with op.batch_alter_table('caller_memory', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_caller_memory_number_id_caller_hash_at'))
        batch_op.drop_index(batch_op.f('ix_caller_memory_lease_id_at'))
        batch_op.drop_index(batch_op.f('ix_caller_memory_caller_hash_at'))

    op.drop_table('caller_memory')
    with op.batch_alter_table('numbers', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_numbers_office_id_state'))

    op.drop_table('numbers')
    with op.batch_alter_table('listings', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_listings_revision'))
        batch_op.drop_index(batch_op.f('ix_listings_office_id'))
        batch_op.drop_index(batch_op.f('ix_listings_advertiser_id_status'))

    op.drop_table('listings')
    with op.batch_alter_table('deliveries', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_deliveries_state_due_at'))
        batch_op.drop_index(batch_op.f('ix_deliveries_event_id'))
        batch_op.drop_index(batch_op.f('ix_deliveries_advertiser_id'))

    op.drop_table('deliveries')
    with op.batch_alter_table('webhook_endpoints', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_webhook_endpoints_advertiser_id'))

    op.drop_table('webhook_endpoints')
    with op.batch_alter_table('visits', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_visits_site_id_visitor_started_at'))
        batch_op.drop_index(batch_op.f('ix_visits_site_id_session_started_at'))

    op.drop_table('visits')
    with op.batch_alter_table('users', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_users_advertiser_id'))

    op.drop_table('users')
    with op.batch_alter_table('telephony_messages', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_telephony_messages_state_due_at'))
        batch_op.drop_index(batch_op.f('ix_telephony_messages_account_id'))

    op.drop_table('telephony_messages')
    with op.batch_alter_table('offices', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_offices_advertiser_id'))

    op.drop_table('offices')
    with op.batch_alter_table('contacts', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_contacts_phone'))
        batch_op.drop_index(batch_op.f('ix_contacts_advertiser_id'))

    op.drop_table('contacts')
    with op.batch_alter_table('api_tokens', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_api_tokens_advertiser_id'))

    op.drop_table('api_tokens')
    op.drop_table('telephony_accounts')
    op.drop_table('sites')
    op.drop_table('revisions')
    with op.batch_alter_table('outbox_events', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_outbox_events_subject_id'))
        batch_op.drop_index(batch_op.f('ix_outbox_events_fanned_out_at_created_at'))
        batch_op.drop_index(batch_op.f('ix_outbox_events_advertiser_id'))

    op.drop_table('outbox_events')
    op.drop_table('idempotency_keys')
    op.drop_table('advertisers')
