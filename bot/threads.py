"""The database thread of the inbox and the ledger: no acknowledgement waits behind other work."""

from backend.committing import CommittingThread

in_inbox = CommittingThread("inbox")
