"""The database's shape: Alembic migrations, run up and down by the commands and at start."""

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine

from core.settings import ROOT


def configuration(engine: Engine) -> Config:
    """Return Alembic's configuration for this database; it needs no ini file."""
    config = Config()
    config.set_main_option("script_location", str(ROOT / "data" / "migrations"))
    config.attributes["engine"] = engine
    return config


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Bring the database up to a revision."""
    command.upgrade(configuration(engine), revision)


def downgrade(engine: Engine, revision: str) -> None:
    """Take the database back to a revision."""
    command.downgrade(configuration(engine), revision)
