"""indexes of two engines: one serves while another is built"""

import sqlalchemy as sa
from alembic import op
from alembic.util import CommandError

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None

JOB_KINDS = ('render_photo', 'index_faces', 'delete_photo', 'sweep_upload', 'settle_order', 'expire_order')
NEW_JOB_KINDS = ('reindex_photo', 'drop_index')
ACTIVITY_KINDS = (
    'link_opened', 'consent', 'search', 'view', 'favourite', 'cart', 'paid', 'download', 'approval', 'sign_in',
)
NEW_ACTIVITY_KINDS = ('feedback',)
DETECTION = '"left", top, "right", bottom, confidence, size, sharpness, is_searchable'
IDENTITY = 'engine, weights_sha256, alignment, dimension, metric, collection, version'


def upgrade() -> None:
    _set_aside('face', 'face_index')
    op.create_table('face_index',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('event_id', sa.Integer(), nullable=False),
    sa.Column('status', sa.Enum('serving', 'building', 'retired', name='indexstatus', native_enum=False, create_constraint=True, length=24), nullable=False),
    *_identity_columns(),
    sa.ForeignKeyConstraint(['event_id'], ['event.id'], name=op.f('fk_face_index_event_id_event')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_face_index'))
    )
    op.create_index(op.f('ix_face_index_event_id'), 'face_index', ['event_id'])
    is_in_use = sa.text("status != 'retired'")
    op.create_index('uq_face_index_event_id_status', 'face_index', ['event_id', 'status'], unique=True, sqlite_where=is_in_use, postgresql_where=is_in_use)
    op.create_table('face',
    sa.Column('index_id', sa.Integer(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('photo_id', sa.Uuid(), nullable=False),
    *_detection_columns(),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['index_id'], ['face_index.id'], name=op.f('fk_face_index_id_face_index')),
    sa.ForeignKeyConstraint(['photo_id'], ['photo.id'], name=op.f('fk_face_photo_id_photo')),
    sa.PrimaryKeyConstraint('index_id', 'id', name=op.f('pk_face'))
    )
    op.create_index(op.f('ix_face_photo_id'), 'face', ['photo_id'])
    op.create_index('ix_face_index_id_is_searchable_version', 'face', ['index_id', 'is_searchable', 'version'])
    op.create_table('indexed_photo',
    sa.Column('index_id', sa.Integer(), nullable=False),
    sa.Column('photo_id', sa.Uuid(), nullable=False),
    sa.Column('face_count', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['index_id'], ['face_index.id'], name=op.f('fk_indexed_photo_index_id_face_index')),
    sa.ForeignKeyConstraint(['photo_id'], ['photo.id'], name=op.f('fk_indexed_photo_photo_id_photo')),
    sa.PrimaryKeyConstraint('index_id', 'photo_id', name=op.f('pk_indexed_photo'))
    )
    op.create_index(op.f('ix_indexed_photo_photo_id'), 'indexed_photo', ['photo_id'])
    op.execute(f"INSERT INTO face_index (event_id, status, {IDENTITY}) SELECT event_id, 'serving', {IDENTITY} FROM face_index_before ORDER BY event_id")
    op.execute(
        f'INSERT INTO face (index_id, id, photo_id, {DETECTION}, version) '
        f'SELECT face_index.id, face_before.id, photo_id, {DETECTION}, 0 '
        'FROM face_before JOIN face_index ON face_index.event_id = face_before.event_id'
    )
    _forget('face', 'face_index')
    _allow_kinds((*JOB_KINDS, *NEW_JOB_KINDS), (*ACTIVITY_KINDS, *NEW_ACTIVITY_KINDS))


def downgrade() -> None:
    """Keep the indexes that serve. Refused while there are others: nobody would ever remove their embeddings."""
    if op.get_bind().scalar(sa.text("SELECT count(*) FROM face_index WHERE status != 'serving'")):
        raise CommandError(
            'Some events have a face index that is being built or waits to be removed. Cancel re-indexing and let '
            'the worker finish first: it removes an index an hour after its last use.'
        )
    op.execute(sa.text('DELETE FROM job WHERE kind IN :kinds').bindparams(sa.bindparam('kinds', NEW_JOB_KINDS, expanding=True)))
    op.execute(sa.text('DELETE FROM activity WHERE kind IN :kinds').bindparams(sa.bindparam('kinds', NEW_ACTIVITY_KINDS, expanding=True)))
    _allow_kinds(JOB_KINDS, ACTIVITY_KINDS)
    op.drop_table('indexed_photo')
    _set_aside('face', 'face_index')
    op.create_table('face_index',
    sa.Column('event_id', sa.Integer(), nullable=False),
    *_identity_columns(),
    sa.ForeignKeyConstraint(['event_id'], ['event.id'], name=op.f('fk_face_index_event_id_event')),
    sa.PrimaryKeyConstraint('event_id', name=op.f('pk_face_index'))
    )
    op.create_table('face',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('photo_id', sa.Uuid(), nullable=False),
    sa.Column('event_id', sa.Integer(), nullable=False),
    *_detection_columns(),
    sa.ForeignKeyConstraint(['event_id'], ['event.id'], name=op.f('fk_face_event_id_event')),
    sa.ForeignKeyConstraint(['photo_id'], ['photo.id'], name=op.f('fk_face_photo_id_photo')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_face'))
    )
    op.create_index(op.f('ix_face_event_id'), 'face', ['event_id'])
    op.create_index(op.f('ix_face_photo_id'), 'face', ['photo_id'])
    op.execute(f"INSERT INTO face_index (event_id, {IDENTITY}) SELECT event_id, {IDENTITY} FROM face_index_before")
    op.execute(
        f'INSERT INTO face (id, photo_id, event_id, {DETECTION}) '
        f'SELECT face_before.id, photo_id, event_id, {DETECTION} '
        'FROM face_before JOIN face_index_before ON face_index_before.id = index_id'
    )
    _forget('face', 'face_index')


def _set_aside(*tables: str) -> None:
    """Keep the rows of tables that are made anew: neither database changes a primary key in the same way."""
    for table in tables:
        op.execute(f'CREATE TABLE {table}_before AS SELECT * FROM {table}')
        op.drop_table(table)


def _forget(*tables: str) -> None:
    for table in tables:
        op.drop_table(f'{table}_before')


def _identity_columns() -> list[sa.Column]:
    return [
    sa.Column('engine', sa.String(length=40), nullable=False),
    sa.Column('weights_sha256', sa.String(length=64), nullable=False),
    sa.Column('alignment', sa.String(length=40), nullable=False),
    sa.Column('dimension', sa.Integer(), nullable=False),
    sa.Column('metric', sa.String(length=16), nullable=False),
    sa.Column('collection', sa.String(length=120), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    ]


def _detection_columns() -> list[sa.Column]:
    return [
    sa.Column('left', sa.Float(), nullable=False),
    sa.Column('top', sa.Float(), nullable=False),
    sa.Column('right', sa.Float(), nullable=False),
    sa.Column('bottom', sa.Float(), nullable=False),
    sa.Column('confidence', sa.Float(), nullable=False),
    sa.Column('size', sa.Float(), nullable=False),
    sa.Column('sharpness', sa.Float(), nullable=False),
    sa.Column('is_searchable', sa.Boolean(), nullable=False),
    ]


def _allow_kinds(job_kinds: tuple[str, ...], activity_kinds: tuple[str, ...]) -> None:
    for table, name, kinds in (
        ('job', 'ck_job_jobkind', job_kinds),
        ('activity', 'ck_activity_activitykind', activity_kinds),
    ):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.drop_constraint(op.f(name), type_='check')
            batch_op.create_check_constraint(op.f(name), sa.text(_among('kind', kinds)))


def _among(column: str, values: tuple[str, ...]) -> str:
    return f'{column} IN ({", ".join(map(repr, values))})'
