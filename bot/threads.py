"""The database threads of the bot: no acknowledgement waits behind other work."""

from backend.committing import CommittingThread
from knowledge.threads import Pool

# The inbox and the ledger.
in_inbox = CommittingThread("inbox")
# Who asks and who reads along.
in_people = Pool("people", threads=1)
# Files are hashed, stored and taken away.
in_files = Pool("files", threads=2)
# What is looked at again and again, and seldom changed.
in_following = Pool("following", threads=1)
