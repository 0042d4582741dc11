"""The database thread of the inbox and the ledger: no acknowledgement waits behind other work."""

from knowledge.threads import Pool

in_inbox = Pool("inbox", threads=1, keeps_connection=True)
