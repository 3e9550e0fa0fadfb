"""money: prices, refunds, the ledger, the outbox

Four tables are made anew, with their rows: SQLite cannot alter one that others refer to, and a copy that
takes its place would take the rows of those along, or be refused for them.
"""

import sqlalchemy as sa
from alembic import op

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None

JOB_KINDS = (
    'render_photo', 'index_faces', 'reindex_photo', 'drop_index', 'delete_photo', 'sweep_upload', 'settle_order',
    'expire_order', 'deliver_webhook', 'sweep_old',
)
OLD_JOB_KINDS = ('send_password_reset',)
NEW_JOB_KINDS = ('trace_event', 'give_back', 'reconcile', 'send_mail', 'sum_up_day')
NOTICE_KINDS = (
    'photo.uploaded', 'photo.rendered', 'photo.indexed', 'photo.reviewed', 'photo.deleted', 'search.made',
    'order.paid',
)
NEW_NOTICE_KINDS = ('order.refunded', 'order.disputed')
STATES = ('open', 'paid', 'failed', 'expired')  # of a message, as it was
MADE_ANEW = ('download', 'line_item', 'received_event', 'purchase')  # those that refer to others first
LEDGER = ('ledger_entry', 'ledger_posting')
# The words of `models.ledger`.
REFUSE_LITE = (
    "CREATE TRIGGER {table}_no_{what} BEFORE {what} ON {table} "
    "BEGIN SELECT RAISE(ABORT, 'the ledger is append only'); END"
)
REFUSE_POSTGRESQL = (
    "CREATE FUNCTION {table}_refuse() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN RAISE EXCEPTION 'the ledger is append only'; END $$",
    "CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
    "FOR EACH ROW EXECUTE FUNCTION {table}_refuse()",
)
ORDER = (
    'id, visitor_key, account_id, email, total_amount, currency, gateway, checkout_id, checkout_url, pending_key, '
    'created_at, expires_at, paid_at'
)
LINE = 'id, order_id, event_id, photo_id, label, amount, currency'
MESSAGE = 'id, order_id, received_at, handled_at'
FILE = 'id, order_id, line_item_id, photo_id, expires_at, "limit", count'


def upgrade() -> None:
    op.create_table('outbox_mail',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('kind', sa.Enum('order_confirmation', 'receipt', 'refund', 'order_links', 'password_reset', 'invitation', 'payout', 'day_summary', name='mailkind', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('subject', sa.String(length=120), nullable=False),
    sa.Column('to', sa.String(length=254), nullable=False),
    sa.Column('language', sa.String(length=8), nullable=False),
    sa.Column('data', sa.JSON(), nullable=False),
    sa.Column('status', sa.Enum('waiting', 'sent', 'failed', 'dropped', name='mailstatus', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('sent_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('last_error', sa.String(length=2000), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_outbox_mail')),
    sa.UniqueConstraint('kind', 'subject', name=op.f('uq_outbox_mail_kind_subject'))
    )
    op.create_index(op.f('ix_outbox_mail_created_at'), 'outbox_mail', ['created_at'], unique=False)
    op.create_table('receipt_series',
    sa.Column('kind', sa.Enum('receipt', 'credit_note', name='receiptkind', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('year', sa.Integer(), nullable=False),
    sa.Column('last_number', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('kind', 'year', name=op.f('pk_receipt_series'))
    )
    op.create_table('payout',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('account_id', sa.Integer(), nullable=False),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('period_start', sa.Date(), nullable=False),
    sa.Column('period_end', sa.Date(), nullable=False),
    sa.Column('amount', sa.BigInteger(), nullable=False),
    sa.Column('status', sa.Enum('due', 'paid', 'cancelled', name='payoutstatus', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('created_by', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('paid_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('reference', sa.String(length=120), nullable=False),
    sa.CheckConstraint('amount > 0', name=op.f('ck_payout_amount_positive')),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_payout_account_id_account')),
    sa.ForeignKeyConstraint(['created_by'], ['account.id'], name=op.f('fk_payout_created_by_account')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_payout'))
    )
    op.create_index(op.f('ix_payout_account_id'), 'payout', ['account_id'], unique=False)
    op.create_table('cart_pass',
    sa.Column('visitor_key', sa.String(length=64), nullable=False),
    sa.Column('event_id', sa.Integer(), nullable=False),
    sa.Column('added_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['event_id'], ['event.id'], name=op.f('fk_cart_pass_event_id_event'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('visitor_key', 'event_id', name=op.f('pk_cart_pass'))
    )
    op.create_table('coupon',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('event_id', sa.Integer(), nullable=False),
    sa.Column('code', sa.String(length=32), nullable=False),
    sa.Column('percent', sa.Integer(), nullable=True),
    sa.Column('amount', sa.Integer(), nullable=True),
    sa.Column('limit', sa.Integer(), nullable=True),
    sa.Column('limit_per_buyer', sa.Integer(), nullable=True),
    sa.Column('valid_from', sa.DateTime(timezone=True), nullable=True),
    sa.Column('valid_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint('(percent IS NULL) <> (amount IS NULL)', name=op.f('ck_coupon_one_kind')),
    sa.ForeignKeyConstraint(['event_id'], ['event.id'], name=op.f('fk_coupon_event_id_event'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_coupon')),
    sa.UniqueConstraint('event_id', 'code', name=op.f('uq_coupon_event_id_code'))
    )
    op.create_table('price_list',
    sa.Column('event_id', sa.Integer(), nullable=False),
    sa.Column('web_amount', sa.Integer(), nullable=True),
    sa.Column('tiers', sa.JSON(), nullable=False),
    sa.Column('bundle_amount', sa.Integer(), nullable=True),
    sa.Column('pass_amount', sa.Integer(), nullable=True),
    sa.Column('free_count', sa.Integer(), nullable=False),
    sa.Column('early_percent', sa.Integer(), nullable=False),
    sa.Column('early_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('tax_basis_points', sa.Integer(), nullable=False),
    sa.Column('is_tax_included', sa.Boolean(), nullable=False),
    sa.Column('refund_days', sa.Integer(), nullable=False),
    sa.CheckConstraint('early_percent BETWEEN 0 AND 100', name=op.f('ck_price_list_early_percent')),
    sa.CheckConstraint('free_count >= 0', name=op.f('ck_price_list_free_count')),
    sa.CheckConstraint('tax_basis_points BETWEEN 0 AND 10000', name=op.f('ck_price_list_tax_basis_points')),
    sa.ForeignKeyConstraint(['event_id'], ['event.id'], name=op.f('fk_price_list_event_id_event'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('event_id', name=op.f('pk_price_list'))
    )
    op.create_table('cart_coupon',
    sa.Column('visitor_key', sa.String(length=64), nullable=False),
    sa.Column('coupon_id', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['coupon_id'], ['coupon.id'], name=op.f('fk_cart_coupon_coupon_id_coupon'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('visitor_key', name=op.f('pk_cart_coupon'))
    )
    with op.batch_alter_table('cart_item', schema=None) as batch_op:
        batch_op.add_column(sa.Column('size', sa.Enum('full', 'web', name='size', native_enum=False, create_constraint=True, length=24), nullable=False, server_default='full'))
        batch_op.add_column(sa.Column('bundle_key', sa.String(length=64), nullable=True))
    with op.batch_alter_table('cart_item', schema=None) as batch_op:
        batch_op.alter_column('size', server_default=None)
    op.add_column('gallery', sa.Column('price_amount', sa.Integer(), nullable=True))
    op.add_column('gallery', sa.Column('web_amount', sa.Integer(), nullable=True))
    op.add_column('photo', sa.Column('price_amount', sa.Integer(), nullable=True))
    _set_aside(*MADE_ANEW)
    op.create_table('purchase',
    *_order_columns('pending', 'paid', 'failed', 'expired', 'held', 'refunded'),
    sa.Column('tax_amount', sa.Integer(), nullable=False),
    sa.Column('bill', sa.JSON(), nullable=False),
    sa.Column('coupon_id', sa.Integer(), nullable=True),
    sa.Column('attempt', sa.Integer(), nullable=False),
    sa.Column('intent_id', sa.String(length=255), nullable=True),
    sa.Column('link_version', sa.Integer(), nullable=False),
    sa.Column('looked', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['coupon_id'], ['coupon.id'], name=op.f('fk_purchase_coupon_id_coupon'), ondelete='SET NULL'),
    )
    _index('purchase', 'account_id', 'paid_at', 'visitor_key', 'checkout_id', 'coupon_id', 'email', 'intent_id')
    op.create_table('line_item',
    *_line_columns(has_photo=False),
    sa.Column('kind', sa.Enum('photo', 'pass', name='linekind', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('size', sa.Enum('full', 'web', name='size', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('list_amount', sa.Integer(), nullable=False),
    sa.Column('tax_amount', sa.Integer(), nullable=False),
    sa.Column('is_gift', sa.Boolean(), nullable=False),
    sa.Column('refunded_amount', sa.Integer(), nullable=False),
    sa.Column('photographer_id', sa.Integer(), nullable=True),
    sa.Column('commission_percent', sa.Integer(), nullable=False),
    sa.Column('platform_percent', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['photographer_id'], ['account.id'], name=op.f('fk_line_item_photographer_id_account')),
    )
    _index('line_item', 'event_id', 'order_id', 'photo_id', 'photographer_id')
    op.create_table('received_event',
    *_message_columns(has_order=False),
    sa.Column('kind', sa.String(length=64), nullable=False),
    sa.Column('payment_id', sa.String(length=255), nullable=False),
    )
    _index('received_event', 'order_id')
    op.create_table('download',
    *_file_columns(),
    sa.Column('size', sa.Enum('full', 'web', name='size', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('fetched_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('withdrawn_at', sa.DateTime(timezone=True), nullable=True),
    sa.UniqueConstraint('line_item_id', 'photo_id', name=op.f('uq_download_line_item_id_photo_id')),
    )
    _index('download', 'order_id', 'photo_id')
    _bring_up()
    _forget(*MADE_ANEW)
    op.create_table('dispute',
    sa.Column('id', sa.String(length=255), nullable=False),
    sa.Column('order_id', sa.Uuid(), nullable=False),
    sa.Column('status', sa.Enum('open', 'won', 'lost', name='disputestatus', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('amount', sa.Integer(), nullable=False),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('opened_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('closed_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['order_id'], ['purchase.id'], name=op.f('fk_dispute_order_id_purchase')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_dispute'))
    )
    op.create_index(op.f('ix_dispute_order_id'), 'dispute', ['order_id'], unique=False)
    op.create_table('ledger_entry',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('kind', sa.Enum('sale', 'refund', 'refund_failed', 'held', 'held_returned', 'dispute_opened', 'dispute_won', 'dispute_lost', 'payout', name='entrykind', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('subject', sa.String(length=255), nullable=False),
    sa.Column('order_id', sa.Uuid(), nullable=True),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('previous_hash', sa.String(length=64), nullable=False),
    sa.Column('hash', sa.String(length=64), nullable=False),
    sa.ForeignKeyConstraint(['order_id'], ['purchase.id'], name=op.f('fk_ledger_entry_order_id_purchase')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_ledger_entry')),
    sa.UniqueConstraint('kind', 'subject', name=op.f('uq_ledger_entry_kind_subject')),
    sqlite_autoincrement=True
    )
    op.create_index(op.f('ix_ledger_entry_at'), 'ledger_entry', ['at'], unique=False)
    op.create_index(op.f('ix_ledger_entry_order_id'), 'ledger_entry', ['order_id'], unique=False)
    op.create_table('refund',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('order_id', sa.Uuid(), nullable=False),
    sa.Column('gateway_id', sa.String(length=255), nullable=True),
    sa.Column('status', sa.Enum('requested', 'pending', 'done', 'failed', name='refundstatus', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('amount', sa.Integer(), nullable=False),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('reason', sa.String(length=500), nullable=False),
    sa.Column('is_foreign', sa.Boolean(), nullable=False),
    sa.Column('by_account_id', sa.Integer(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('last_error', sa.String(length=2000), nullable=True),
    sa.CheckConstraint('amount > 0', name=op.f('ck_refund_amount_positive')),
    sa.ForeignKeyConstraint(['by_account_id'], ['account.id'], name=op.f('fk_refund_by_account_id_account')),
    sa.ForeignKeyConstraint(['order_id'], ['purchase.id'], name=op.f('fk_refund_order_id_purchase')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_refund')),
    sa.UniqueConstraint('gateway_id', name=op.f('uq_refund_gateway_id'))
    )
    op.create_index(op.f('ix_refund_order_id'), 'refund', ['order_id'], unique=False)
    op.create_table('ledger_posting',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('entry_id', sa.Integer(), nullable=False),
    sa.Column('book', sa.Enum('gateway', 'held', 'tax', 'platform', 'owed', 'frozen', 'paid_out', name='book', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('account_id', sa.Integer(), nullable=True),
    sa.Column('event_id', sa.Integer(), nullable=True),
    sa.Column('line_item_id', sa.Uuid(), nullable=True),
    sa.Column('amount', sa.Integer(), nullable=False),
    sa.Column('base_amount', sa.Integer(), nullable=True),
    sa.Column('percent', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_ledger_posting_account_id_account')),
    sa.ForeignKeyConstraint(['entry_id'], ['ledger_entry.id'], name=op.f('fk_ledger_posting_entry_id_ledger_entry')),
    sa.ForeignKeyConstraint(['event_id'], ['event.id'], name=op.f('fk_ledger_posting_event_id_event')),
    sa.ForeignKeyConstraint(['line_item_id'], ['line_item.id'], name=op.f('fk_ledger_posting_line_item_id_line_item')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_ledger_posting'))
    )
    op.create_index(op.f('ix_ledger_posting_account_id'), 'ledger_posting', ['account_id'], unique=False)
    op.create_index(op.f('ix_ledger_posting_entry_id'), 'ledger_posting', ['entry_id'], unique=False)
    op.create_index(op.f('ix_ledger_posting_event_id'), 'ledger_posting', ['event_id'], unique=False)
    op.create_index(op.f('ix_ledger_posting_line_item_id'), 'ledger_posting', ['line_item_id'], unique=False)
    op.create_table('receipt',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.Enum('receipt', 'credit_note', name='receiptkind', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('year', sa.Integer(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('order_id', sa.Uuid(), nullable=False),
    sa.Column('refund_id', sa.Uuid(), nullable=True),
    sa.Column('amount', sa.Integer(), nullable=False),
    sa.Column('tax_amount', sa.Integer(), nullable=False),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('seller', sa.String(length=1000), nullable=False),
    sa.Column('issued_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['order_id'], ['purchase.id'], name=op.f('fk_receipt_order_id_purchase')),
    sa.ForeignKeyConstraint(['refund_id'], ['refund.id'], name=op.f('fk_receipt_refund_id_refund')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_receipt')),
    sa.UniqueConstraint('kind', 'year', 'number', name=op.f('uq_receipt_kind_year_number')),
    sa.UniqueConstraint('refund_id', name=op.f('uq_receipt_refund_id'))
    )
    op.create_index(op.f('ix_receipt_order_id'), 'receipt', ['order_id'], unique=False)
    op.create_table('refund_line',
    sa.Column('refund_id', sa.Uuid(), nullable=False),
    sa.Column('line_item_id', sa.Uuid(), nullable=False),
    sa.Column('amount', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['line_item_id'], ['line_item.id'], name=op.f('fk_refund_line_line_item_id_line_item')),
    sa.ForeignKeyConstraint(['refund_id'], ['refund.id'], name=op.f('fk_refund_line_refund_id_refund')),
    sa.PrimaryKeyConstraint('refund_id', 'line_item_id', name=op.f('pk_refund_line'))
    )
    op.create_index(op.f('ix_refund_line_line_item_id'), 'refund_line', ['line_item_id'], unique=False)
    _refuse_changes()
    _remove('job', 'kind', OLD_JOB_KINDS)
    _allow((*JOB_KINDS, *NEW_JOB_KINDS), (*NOTICE_KINDS, *NEW_NOTICE_KINDS))


def _bring_up() -> None:
    """Say of what was bought before how it was sold: in full size, at the listed price, without tax or coupon."""
    op.execute(
        f'INSERT INTO purchase ({ORDER}, status, tax_amount, bill, attempt, link_version, looked) '
        f"SELECT {ORDER}, status, 0, '[]', 0, 0, 0 FROM purchase_before"
    )
    op.execute(
        f'INSERT INTO line_item ({LINE}, kind, size, list_amount, tax_amount, is_gift, refunded_amount, '
        'photographer_id, commission_percent, platform_percent) '
        "SELECT line_item_before.id, order_id, line_item_before.event_id, photo_id, label, amount, currency, 'photo', "
        "'full', amount, 0, false, 0, photo.uploaded_by, coalesce(event_member.commission_percent, 0), 0 "
        'FROM line_item_before LEFT JOIN photo ON photo.id = photo_id LEFT JOIN event_member '
        'ON event_member.event_id = line_item_before.event_id AND event_member.account_id = photo.uploaded_by'
    )
    op.execute(
        f'INSERT INTO received_event ({MESSAGE}, kind, payment_id) '
        f"SELECT {MESSAGE}, 'checkout.' || state, checkout_id FROM received_event_before"
    )
    # When it was fetched nobody wrote down: not before it was paid.
    op.execute(
        f'INSERT INTO download ({FILE}, size, fetched_at) '
        'SELECT download_before.id, order_id, line_item_id, photo_id, download_before.expires_at, "limit", count, '
        "'full', CASE WHEN count > 0 THEN coalesce(paid_at, created_at) END "
        'FROM download_before JOIN purchase ON purchase.id = order_id'
    )


def downgrade() -> None:
    """Keep orders, their lines and files, as far as revision 0003 has words for them.

    What goes: price lists, coupons, refunds, disputes, papers, the ledger, payouts and mails that wait. An
    order whose money went back is held: it stays, and nothing is delivered for it. Files that were withdrawn
    go, and so do passes with theirs and lines whose photo is gone; a web size becomes a full one. Messages
    stay that were acted on and say where a checkout stood; the gateway can be asked for the others.
    """
    for name in LEDGER[::-1]:
        op.drop_table(name)
        if op.get_bind().dialect.name == 'postgresql':
            op.execute(f'DROP FUNCTION {name}_refuse()')
    for name in ('refund_line', 'receipt', 'refund', 'dispute', 'payout', 'receipt_series', 'outbox_mail'):
        op.drop_table(name)
    _set_aside(*MADE_ANEW)
    op.create_table('purchase', *_order_columns('pending', 'paid', 'failed', 'expired', 'held'))
    _index('purchase', 'account_id', 'paid_at', 'visitor_key')
    op.create_table('line_item', *_line_columns(has_photo=True))
    _index('line_item', 'event_id', 'order_id', 'photo_id')
    op.create_table('received_event',
    *_message_columns(has_order=True),
    sa.Column('checkout_id', sa.String(length=255), nullable=False),
    sa.Column('state', sa.String(length=24), nullable=False),
    sa.Column('amount', sa.Integer(), nullable=False),
    sa.Column('currency', sa.String(length=3), nullable=False),
    )
    _index('received_event', 'order_id')
    op.create_table('download',
    *_file_columns(),
    sa.UniqueConstraint('line_item_id', name=op.f('uq_download_line_item_id')),
    )
    _index('download', 'order_id')
    _bring_down()
    _forget(*MADE_ANEW)
    for name in ('cart_coupon', 'price_list', 'coupon', 'cart_pass'):
        op.drop_table(name)
    op.drop_column('photo', 'price_amount')
    op.drop_column('gallery', 'web_amount')
    op.drop_column('gallery', 'price_amount')
    with op.batch_alter_table('cart_item', schema=None) as batch_op:
        batch_op.drop_constraint(op.f('ck_cart_item_size'), type_='check')
        batch_op.drop_column('bundle_key')
        batch_op.drop_column('size')
    _remove('job', 'kind', NEW_JOB_KINDS)
    _remove('notice', 'kind', NEW_NOTICE_KINDS)
    _allow((*JOB_KINDS, *OLD_JOB_KINDS), NOTICE_KINDS)


def _bring_down() -> None:
    op.execute(
        f'INSERT INTO purchase ({ORDER}, status) '
        f"SELECT {ORDER}, CASE status WHEN 'refunded' THEN 'held' ELSE status END FROM purchase_before"
    )
    op.execute(f'INSERT INTO line_item ({LINE}) SELECT {LINE} FROM line_item_before WHERE photo_id IS NOT NULL')
    op.execute(
        f'INSERT INTO received_event ({MESSAGE}, checkout_id, state, amount, currency) '
        'SELECT received_event_before.id, order_id, received_at, handled_at, payment_id, substr(kind, 10), '
        'total_amount, currency FROM received_event_before JOIN purchase ON purchase.id = order_id '
        f"WHERE handled_at IS NOT NULL AND {_among('kind', tuple(f'checkout.{state}' for state in STATES))}"
    )
    op.execute(
        f'INSERT INTO download ({FILE}) SELECT {FILE} FROM download_before '
        'WHERE withdrawn_at IS NULL AND line_item_id IN (SELECT id FROM line_item)'
    )


def _set_aside(*tables: str) -> None:
    for table in tables:
        op.execute(f'CREATE TABLE {table}_before AS SELECT * FROM {table}')
        op.drop_table(table)


def _forget(*tables: str) -> None:
    for table in tables:
        op.drop_table(f'{table}_before')


def _index(table: str, *columns: str) -> None:
    for column in columns:
        op.create_index(op.f(f'ix_{table}_{column}'), table, [column], unique=False)


def _order_columns(*statuses: str) -> list[sa.schema.SchemaItem]:
    return [
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('visitor_key', sa.String(length=64), nullable=False),
    sa.Column('account_id', sa.Integer(), nullable=True),
    sa.Column('email', sa.String(length=254), nullable=False),
    sa.Column('status', sa.Enum(*statuses, name='orderstatus', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('total_amount', sa.Integer(), nullable=False),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('gateway', sa.String(length=24), nullable=False),
    sa.Column('checkout_id', sa.String(length=255), nullable=True),
    sa.Column('checkout_url', sa.String(length=2048), nullable=True),
    sa.Column('pending_key', sa.String(length=64), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('paid_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint('total_amount >= 0', name=op.f('ck_purchase_total_not_negative')),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_purchase_account_id_account')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_purchase')),
    sa.UniqueConstraint('pending_key', name=op.f('uq_purchase_pending_key')),
    ]


def _line_columns(*, has_photo: bool) -> list[sa.schema.SchemaItem]:
    return [
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('order_id', sa.Uuid(), nullable=False),
    sa.Column('event_id', sa.Integer(), nullable=False),
    sa.Column('photo_id', sa.Uuid(), nullable=not has_photo),
    sa.Column('label', sa.String(length=255), nullable=False),
    sa.Column('amount', sa.Integer(), nullable=False),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.ForeignKeyConstraint(['event_id'], ['event.id'], name=op.f('fk_line_item_event_id_event')),
    sa.ForeignKeyConstraint(['order_id'], ['purchase.id'], name=op.f('fk_line_item_order_id_purchase')),
    sa.ForeignKeyConstraint(['photo_id'], ['photo.id'], name=op.f('fk_line_item_photo_id_photo')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_line_item')),
    ]


def _message_columns(*, has_order: bool) -> list[sa.schema.SchemaItem]:
    return [
    sa.Column('id', sa.String(length=255), nullable=False),
    sa.Column('order_id', sa.Uuid(), nullable=not has_order),
    sa.Column('received_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('handled_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['order_id'], ['purchase.id'], name=op.f('fk_received_event_order_id_purchase')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_received_event')),
    ]


def _file_columns() -> list[sa.schema.SchemaItem]:
    return [
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('order_id', sa.Uuid(), nullable=False),
    sa.Column('line_item_id', sa.Uuid(), nullable=False),
    sa.Column('photo_id', sa.Uuid(), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('limit', sa.Integer(), nullable=False),
    sa.Column('count', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['line_item_id'], ['line_item.id'], name=op.f('fk_download_line_item_id_line_item')),
    sa.ForeignKeyConstraint(['order_id'], ['purchase.id'], name=op.f('fk_download_order_id_purchase')),
    sa.ForeignKeyConstraint(['photo_id'], ['photo.id'], name=op.f('fk_download_photo_id_photo')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_download')),
    ]


def _refuse_changes() -> None:
    """Have the database itself refuse to change what the ledger says, with the words of `models.ledger`."""
    for table in LEDGER:
        if op.get_bind().dialect.name == 'postgresql':
            orders = [text.format(table=table) for text in REFUSE_POSTGRESQL]
        else:
            orders = [REFUSE_LITE.format(table=table, what=what) for what in ('update', 'delete')]
        for order in orders:
            op.execute(order)


def _remove(table: str, column: str, values: tuple[str, ...]) -> None:
    op.execute(f'DELETE FROM {table} WHERE {_among(column, values)}')


def _allow(job_kinds: tuple[str, ...], notice_kinds: tuple[str, ...]) -> None:
    with op.batch_alter_table('job', schema=None) as batch_op:
        batch_op.drop_constraint(op.f('ck_job_jobkind'), type_='check')
        batch_op.create_check_constraint(op.f('ck_job_jobkind'), sa.text(_among('kind', job_kinds)))
    last = _last_notice()
    with op.batch_alter_table('notice', schema=None, table_kwargs={'sqlite_autoincrement': True}) as batch_op:
        batch_op.drop_constraint(op.f('ck_notice_noticekind'), type_='check')
        batch_op.create_check_constraint(op.f('ck_notice_noticekind'), sa.text(_among('kind', notice_kinds)))
    if last is not None:
        op.execute("DELETE FROM sqlite_sequence WHERE name = 'notice'")
        op.execute(f"INSERT INTO sqlite_sequence (name, seq) VALUES ('notice', {last})")


def _last_notice() -> int | None:
    """Return the last number given to a notice on SQLite: a copy of the table would forget it, and give it again."""
    if op.get_bind().dialect.name == 'postgresql':
        return None
    return op.get_bind().scalar(sa.text("SELECT seq FROM sqlite_sequence WHERE name = 'notice'"))


def _among(column: str, values: tuple[str, ...]) -> str:
    return f'{column} IN ({", ".join(map(repr, values))})'
