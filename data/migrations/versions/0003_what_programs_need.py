"""what programs need: sessions that go on, keys, notices, webhooks, kept answers"""

import sqlalchemy as sa
from alembic import op

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None

JOB_KINDS = (
    'render_photo', 'index_faces', 'reindex_photo', 'drop_index', 'delete_photo', 'sweep_upload', 'settle_order',
    'expire_order',
)
NEW_JOB_KINDS = ('send_password_reset', 'deliver_webhook', 'sweep_old')
CODE_PURPOSES = ('sign_in', 'first_admin')
NEW_CODE_PURPOSES = ('password_reset',)


def upgrade() -> None:
    op.create_table('kept_answer',
    sa.Column('key_sha256', sa.String(length=64), nullable=False),
    sa.Column('request_sha256', sa.String(length=64), nullable=False),
    sa.Column('status_code', sa.Integer(), nullable=True),
    sa.Column('body', sa.String(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('key_sha256', name=op.f('pk_kept_answer'))
    )
    op.create_index(op.f('ix_kept_answer_created_at'), 'kept_answer', ['created_at'], unique=False)
    op.create_table('api_key',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('account_id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=80), nullable=False),
    sa.Column('hint', sa.String(length=12), nullable=False),
    sa.Column('key_sha256', sa.String(length=64), nullable=False),
    sa.Column('scopes', sa.JSON(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('last_used_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_api_key_account_id_account'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_api_key')),
    sa.UniqueConstraint('key_sha256', name=op.f('uq_api_key_key_sha256'))
    )
    op.create_index(op.f('ix_api_key_account_id'), 'api_key', ['account_id'], unique=False)
    op.create_table('notice',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('event_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.Enum('photo.uploaded', 'photo.rendered', 'photo.indexed', 'photo.reviewed', 'photo.deleted', 'search.made', 'order.paid', name='noticekind', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('data', sa.JSON(), nullable=False),
    sa.ForeignKeyConstraint(['event_id'], ['event.id'], name=op.f('fk_notice_event_id_event')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_notice')),
    sqlite_autoincrement=True
    )
    op.create_index(op.f('ix_notice_at'), 'notice', ['at'], unique=False)
    op.create_index('ix_notice_event_id_id', 'notice', ['event_id', 'id'], unique=False)
    op.create_table('refresh_token',
    sa.Column('token_sha256', sa.String(length=64), nullable=False),
    sa.Column('session_sha256', sa.String(length=64), nullable=False),
    sa.Column('scopes', sa.JSON(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('used_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['session_sha256'], ['sign_in_session.token_sha256'], name=op.f('fk_refresh_token_session_sha256_sign_in_session'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('token_sha256', name=op.f('pk_refresh_token'))
    )
    op.create_index(op.f('ix_refresh_token_session_sha256'), 'refresh_token', ['session_sha256'], unique=False)
    op.create_table('webhook_endpoint',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('event_id', sa.Integer(), nullable=False),
    sa.Column('url', sa.String(length=2048), nullable=False),
    sa.Column('kinds', sa.JSON(), nullable=False),
    sa.Column('nonce', sa.String(length=32), nullable=False),
    sa.Column('is_active', sa.Boolean(), nullable=False),
    sa.Column('created_by', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('removed_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['created_by'], ['account.id'], name=op.f('fk_webhook_endpoint_created_by_account')),
    sa.ForeignKeyConstraint(['event_id'], ['event.id'], name=op.f('fk_webhook_endpoint_event_id_event')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_webhook_endpoint'))
    )
    op.create_index(op.f('ix_webhook_endpoint_event_id'), 'webhook_endpoint', ['event_id'], unique=False)
    op.create_table('webhook_delivery',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('endpoint_id', sa.Integer(), nullable=False),
    sa.Column('notice_id', sa.Integer(), nullable=True),
    sa.Column('kind', sa.String(length=24), nullable=False),
    sa.Column('body', sa.String(), nullable=False),
    sa.Column('status', sa.Enum('waiting', 'delivered', 'failed', name='deliverystatus', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('last_answer', sa.String(length=300), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('delivered_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['endpoint_id'], ['webhook_endpoint.id'], name=op.f('fk_webhook_delivery_endpoint_id_webhook_endpoint')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_webhook_delivery')),
    sa.UniqueConstraint('endpoint_id', 'notice_id', name=op.f('uq_webhook_delivery_endpoint_id_notice_id'))
    )
    op.create_index(op.f('ix_webhook_delivery_created_at'), 'webhook_delivery', ['created_at'], unique=False)
    op.create_index(op.f('ix_webhook_delivery_endpoint_id'), 'webhook_delivery', ['endpoint_id'], unique=False)
    _allow((*JOB_KINDS, *NEW_JOB_KINDS), (*CODE_PURPOSES, *NEW_CODE_PURPOSES))


def downgrade() -> None:
    """Forget what only programs had: their keys, their sessions' next tokens, their webhooks, what is to be told."""
    op.drop_index(op.f('ix_webhook_delivery_endpoint_id'), table_name='webhook_delivery')
    op.drop_index(op.f('ix_webhook_delivery_created_at'), table_name='webhook_delivery')
    op.drop_table('webhook_delivery')
    op.drop_index(op.f('ix_webhook_endpoint_event_id'), table_name='webhook_endpoint')
    op.drop_table('webhook_endpoint')
    op.drop_index(op.f('ix_refresh_token_session_sha256'), table_name='refresh_token')
    op.drop_table('refresh_token')
    op.drop_index('ix_notice_event_id_id', table_name='notice')
    op.drop_index(op.f('ix_notice_at'), table_name='notice')
    op.drop_table('notice')
    op.drop_index(op.f('ix_api_key_account_id'), table_name='api_key')
    op.drop_table('api_key')
    op.drop_index(op.f('ix_kept_answer_created_at'), table_name='kept_answer')
    op.drop_table('kept_answer')
    _remove('job', 'kind', NEW_JOB_KINDS)
    _remove('one_time_code', 'purpose', NEW_CODE_PURPOSES)
    _allow(JOB_KINDS, CODE_PURPOSES)


def _remove(table: str, column: str, values: tuple[str, ...]) -> None:
    op.execute(f'DELETE FROM {table} WHERE {_among(column, values)}')


def _allow(job_kinds: tuple[str, ...], code_purposes: tuple[str, ...]) -> None:
    for table, column, name, values in (
        ('job', 'kind', 'ck_job_jobkind', job_kinds),
        ('one_time_code', 'purpose', 'ck_one_time_code_codepurpose', code_purposes),
    ):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.drop_constraint(op.f(name), type_='check')
            batch_op.create_check_constraint(op.f(name), sa.text(_among(column, values)))


def _among(column: str, values: tuple[str, ...]) -> str:
    return f'{column} IN ({", ".join(map(repr, values))})'
