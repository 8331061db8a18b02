"""Drafts a migration: the differences of `server/db/schema.py` from the last version of the schema.

Read the file that it writes, and test it on both engines with `make test`.
"""

import sys
import tempfile
from pathlib import Path

from alembic import command
from alembic.script import ScriptDirectory

from server.db.migrate import alembic_config, upgrade


def main() -> None:
    """Writes the next numbered file into `server/db/migrations/versions`."""
    purpose = " ".join(sys.argv[1:]).strip()
    if not purpose:
        sys.exit('Say what it does: make migration NAME="Tags can be searched"')
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'empty.db'}"
        upgrade(url)
        config = alembic_config(url)
        config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
        count = sum(1 for _ in ScriptDirectory.from_config(config).walk_revisions())
        command.revision(config, purpose, autogenerate=True, rev_id=f"{count + 1:04}")


if __name__ == "__main__":
    main()
