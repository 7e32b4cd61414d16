"""All entries of the matrix, by noun."""

from tests.integration.faults.entries import connection, cpus, heat, host, programs, storage, whole
from tests.integration.faults.entry import Entry

ENTRIES: tuple[Entry, ...] = (
    *connection.ENTRIES,
    *programs.ENTRIES,
    *storage.ENTRIES,
    *heat.ENTRIES,
    *cpus.ENTRIES,
    *whole.ENTRIES,
    *host.ENTRIES,
)
