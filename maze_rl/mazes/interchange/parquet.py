"""Mazes in one Parquet file, with the columns of a dataset: for other tools, and for the Hugging Face hub.

The file carries a digest of its mazes, and a checksum for every page: damage is noticed when it is read. A Parquet file
from elsewhere that has the columns is read too; its mazes are checked one by one.
"""

from os import PathLike
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from maze_rl.errors import MazeRLError
from maze_rl.mazes.interchange.whole_files import written_whole
from maze_rl.mazes.lattice import MazeCollection
from maze_rl.mazes.storage.columns import TYPES, content_digest, table_of
from maze_rl.mazes.storage.store import CHUNK, StoredMazes, foreign_table

_DIGEST = b"maze_rl.content"


def write_parquet(path: str | PathLike[str], mazes: MazeCollection | StoredMazes) -> Path:
    """Write `mazes` to one Parquet file, in place of what is there.

    Raises:
        MazeRLError: The file cannot be written.
    """
    path = Path(path)
    schema, total = pa.schema(list(TYPES.items())), 0
    with (
        written_whole(path) as file,
        pq.ParquetWriter(file, schema, compression="zstd", write_page_checksum=True) as writer,
    ):
        for start in range(0, len(mazes), CHUNK):
            rows = np.arange(start, min(start + CHUNK, len(mazes)))
            table = table_of(mazes.take(rows), rows, schema)
            total += content_digest(table, start)
            writer.write_table(table)
        writer.add_key_value_metadata({_DIGEST: f"{total % 2**64:016x}"})
    return path


def read_parquet(path: str | PathLike[str]) -> StoredMazes:
    """Read the mazes of a Parquet file.

    Raises:
        MazeRLError: The file is missing, damaged, or holds no mazes.
    """
    path = Path(path)
    try:
        file = pq.ParquetFile(path, page_checksum_verification=True)
        table, metadata = file.read(), file.metadata.metadata or {}
    except (OSError, pa.ArrowException, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise MazeRLError(f"{path}: is no Parquet file that can be read ({reason}).") from error
    stored = StoredMazes(foreign_table(table, path), {}, str(path))
    if _DIGEST in metadata and metadata[_DIGEST].decode(errors="replace") != stored.content:
        raise MazeRLError(f"{path}: the file is altered: its mazes are not those it was written with.")
    return stored
