"""Why a shared file could not be fetched: what follows the first words of bot/errors.py."""

TOO_LATE = "it did not come in time"
HTTP = "HTTP {status}"
PACKED = "it came packed"
NOWHERE = "it is never where it is said to be"
TOO_LARGE = "it has more than {limit} MB, which is the limit"
SCOPE_MISSING = "Slack lets me read no files before an admin gives the app {scope}"
A_PAGE_INSTEAD = "Slack sent a web page instead, as it does to those who may not have the file"
