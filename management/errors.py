"""What can go wrong with a store as a whole, and with its maintenance. The docstring is the
message that people read.

MaintenanceError
├── JobFailed
├── LoopEnded
└── StoreError
    ├── StoreInUse
    ├── NotSqlite
    ├── BackupFailed
    ├── NotABackup
    │   ├── DamagedBackup
    │   └── NewerBackup
    └── RestoreFailed
"""


class MaintenanceError(Exception):
    """Maintenance failed."""

    def __init__(self, detail: str = "") -> None:
        message = (type(self).__doc__ or "").split("\n")[0]
        super().__init__(f"{message.rstrip('.')}: {detail}" if detail else message)


class JobFailed(MaintenanceError):
    """The job failed."""


class LoopEnded(MaintenanceError):
    """APScheduler's loop has ended."""


class StoreError(MaintenanceError):
    """Something went wrong with the store."""


class StoreInUse(StoreError):
    """Other processes use this store; stop Askwell (Ctrl+C where `make run` runs) and try again."""


class NotSqlite(StoreError):
    """Only a store on SQLite can be backed up and restored so far; use PostgreSQL's own tools."""


class BackupFailed(StoreError):
    """The backup could not be written; nothing of it is kept, and older ones are as they were."""


class NotABackup(StoreError):
    """This file is no backup of Askwell's, or it is cut off; nothing was changed."""


class DamagedBackup(NotABackup):
    """This backup is damaged or was tampered with; nothing was changed."""


class NewerBackup(NotABackup):
    """This backup was made by a newer version of Askwell; update Askwell first."""


class RestoreFailed(StoreError):
    """The backup could not be restored; the store is as it was."""
