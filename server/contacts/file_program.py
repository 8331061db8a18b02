"""The program that reads one file of contacts: `python -m server.contacts.file_program [ROWS]`.

Files come from anybody, and the reader of workbooks unpacks them: this process has few rights, little memory
and little time, so that a hostile file ends it and nothing else. The file comes on standard input; standard
output gets one JSON object, either `Rows` or `{"wrong": "..."}`.
"""

import resource
import sys

import orjson

from server.contacts import csv_table, workbook_table
from server.contacts.csv_table import NotATable
from server.contacts.import_rules import MAX_FILE_BYTES, rows_of_table

MEMORY_BYTES = 768 << 20
CPU_S = 8


def main() -> None:
    """Reads the file; `ROWS` is the number of the first rows that are wanted."""
    most = int(sys.argv[1]) if len(sys.argv) > 1 else None
    limits = {
        resource.RLIMIT_AS: MEMORY_BYTES,
        resource.RLIMIT_CORE: 0,
        # Neither files nor programs.
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_NPROC: 0,
    }
    for limit, value in limits.items():
        resource.setrlimit(limit, (value, value))
    # At the first limit the signal says why the program ends.
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S + 1))
    content = sys.stdin.buffer.read(MAX_FILE_BYTES + 1)
    is_workbook = content.startswith(workbook_table.BEGINNINGS)
    answer: object
    try:
        table = (workbook_table if is_workbook else csv_table).table_of(content)
        answer = rows_of_table(table, most)._asdict()
    except NotATable as error:
        answer = {"wrong": str(error)}
    sys.stdout.buffer.write(orjson.dumps(answer, default=tuple))


if __name__ == "__main__":
    main()
