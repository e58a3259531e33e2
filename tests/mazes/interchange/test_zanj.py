"""Files of maze-dataset: every layout, against its own drawings and loader; what is wrong is named."""

import io
import json
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from maze_rl.errors import MazeRLError
from maze_rl.mazes.interchange.ascii import draw_ascii
from maze_rl.mazes.interchange.zanj import ImportedMazes, read_zanj

FILES = Path(__file__).parent / "files"
LAYOUTS = ("full", "full_external", "minimal", "minimal_inline", "minimal_soln_cat", "collection")


def drawings(imported: ImportedMazes) -> list[str]:
    paths = [[(int(row), int(col)) for row, col in path] for path in imported.paths]
    return [draw_ascii(maze, path) for maze, path in zip(imported.mazes, paths, strict=True)]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_gives_the_mazes_maze_dataset_draws(layout: str) -> None:
    imported = read_zanj(FILES / f"{layout}.zanj")
    assert drawings(imported) == (FILES / f"{layout}.txt").read_text().rstrip("\n").split("\n\n")
    assert all(path.dtype == np.int16 for path in imported.paths)
    assert imported.shortest.all()
    assert json.loads(json.dumps(imported.configuration)) == imported.configuration


def test_a_file_read_by_eye() -> None:
    first = read_zanj(FILES / "full.zanj").mazes[0]
    assert (first.shape, first.origin, first.target) == ((4, 4), (1, 0), (1, 1))
    assert first.connections.astype(int).tolist() == [
        [[1, 0, 0, 0], [1, 0, 1, 1], [0, 1, 0, 0], [0, 0, 0, 0]],
        [[1, 1, 0, 0], [1, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 0]],
    ]


def test_isolated_last_rows_and_columns_stay() -> None:
    connections = read_zanj(FILES / "collection.zanj").mazes[3].connections
    assert connections.shape == (2, 5, 5)
    assert not connections[:, :, 4].any() and not connections[:, 3, 3:].any()


def test_a_collection_keeps_its_order_and_shapes() -> None:
    imported = read_zanj(FILES / "collection.zanj")
    assert [maze.shape for maze in imported.mazes] == [(3, 3), (3, 3), (5, 5), (5, 5)]
    assert [len(each["maze_ctor_kwargs"]) for each in imported.configuration["maze_dataset_configs"]] == [0, 1]


def altered(source: str, target: Path, alter: Callable[[dict], Any] = str, **members: bytes | None) -> Path:
    """Copy a file with its document altered, and members (by stem) replaced, or left out where None."""
    with zipfile.ZipFile(FILES / f"{source}.zanj") as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = members.get(Path(name).stem, old.read(name))
            if name == "__zanj__.json" and content is not None:
                document = json.loads(content)
                alter(document)
                content = json.dumps(document).encode()
            if content is not None:
                new.writestr(name, content)
    return target


def test_no_mazes_are_an_empty_collection(tmp_path: Path) -> None:
    imported = read_zanj(altered("full", tmp_path / "none.zanj", lambda document: document["mazes"].clear()))
    assert (len(imported.mazes), imported.paths, imported.shortest.tolist()) == (0, (), [])


def test_mazes_of_several_shapes_keep_their_order(tmp_path: Path) -> None:
    other = json.loads(zipfile.ZipFile(FILES / "collection.zanj").read("__zanj__.json"))["maze_datasets"][0]["mazes"]
    path = altered("full", tmp_path / "mixed.zanj", lambda document: document["mazes"].insert(1, other[1]))
    texts = [(FILES / f"{name}.txt").read_text().rstrip("\n").split("\n\n") for name in ("full", "collection")]
    assert drawings(read_zanj(path)) == [texts[0][0], texts[1][1], texts[0][1]]


def set_solution(document: dict, cells: list) -> None:
    document["mazes"][0]["solution"] |= {"data": cells, "shape": [len(cells), 2]}


def test_a_solution_that_is_no_shortest_path_is_read_and_flagged(tmp_path: Path) -> None:
    detour = [[1, 0], [0, 0], [1, 0], [1, 1]]
    path = altered("full", tmp_path / "long.zanj", lambda document: set_solution(document, detour))
    imported = read_zanj(path)
    assert imported.shortest.tolist() == [False, True]
    assert imported.paths[0].tolist() == detour
    assert imported.mazes[0] == read_zanj(FILES / "full.zanj").mazes[0]


def npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


ONES = np.ones((7, 2, 4, 4), np.bool_)
DOCUMENT_FAULTS: dict[str, tuple[str, Callable[[dict], Any]]] = {
    r"maze 0: its solution steps from \(1, 1\) to \(1, 2\): no open edge": (
        "full",
        lambda document: set_solution(document, [[1, 0], [1, 1], [1, 2]]),
    ),
    r"maze 0: its solution leaves the grid at \(-1, 0\)": (
        "full",
        lambda document: set_solution(document, [[1, 0], [0, 0], [-1, 0]]),
    ),
    "mazes: start and end of a maze are not those of its solution": (
        "full",
        lambda document: document["mazes"][0]["end_pos"].update(data=[3, 3]),
    ),
    r"mazes\[1\], connection_list: expected booleans of shape \[2, 4, 4\], got int64": (
        "full",
        lambda document: document["mazes"][1]["connection_list"].update(data=np.zeros((2, 4, 4), int).tolist()),
    ),
    r"mazes\[1\], solution: expected integers of shape \[9, 2\], got int64 of shape": (
        "full",
        lambda document: document["mazes"][1]["solution"].update(shape=[9, 2]),
    ),
    "__zanj__.json: cfg is missing": ("full", lambda document: document.pop("cfg")),
    "in the layout 'MazeDataset:new', which is none": (
        "minimal",
        lambda document: document.update(__muutils_format__="MazeDataset:new"),
    ),
    "has no member 'gone.npy'": (
        "minimal",
        lambda document: document["maze_solutions"].update({"$ref": "gone.npy"}),
    ),
    r"maze_solution_lengths: shape \(2,\) is not one length a maze": (
        "minimal",
        lambda document: document["maze_solution_lengths"].update(data=[2, 4], shape=[2]),
    ),
    "mazes.jsonl: has 3 lines, not as many": (
        "full_external",
        lambda document: document["mazes"].update({"len(data)": 4}),
    ),
}


@pytest.mark.parametrize("message", DOCUMENT_FAULTS)
def test_faults_of_the_document_are_named(message: str, tmp_path: Path) -> None:
    source, alter = DOCUMENT_FAULTS[message]
    with pytest.raises(MazeRLError, match=f"bad.zanj: .*{message}") as caught:
        read_zanj(altered(source, tmp_path / "bad.zanj", alter))
    assert "\n" not in str(caught.value)


MEMBER_FAULTS = {
    "maze 0: connections lead downward": npy(ONES),
    r"maze_connection_lists.npy: expected booleans of shape \[7, 2, 4, 4\], got bool of shape \[6,": npy(ONES[:6]),
    "maze_connection_lists.npy: expected booleans .* got uint8": npy(ONES.view(np.uint8)),
    "holds booleans other than 0 and 1": npy(ONES).replace(b"\x01" * 9, b"\x02" * 9),
    r"holds values of type '\|O'; expected booleans or integers": npy(np.array([{}], object)),
    "is no .npy file as NumPy writes it": b"[1, 2]",
    "holds 223 bytes, which is not bool of shape": npy(ONES)[:-1],
    r"has no member 'maze_connection_lists.npy'": None,
}


@pytest.mark.parametrize("message", MEMBER_FAULTS)
def test_faults_of_members_are_named(message: str, tmp_path: Path) -> None:
    path = altered("minimal", tmp_path / "bad.zanj", maze_connection_lists=MEMBER_FAULTS[message])
    with pytest.raises(MazeRLError, match=f"bad.zanj: .*{message}") as caught:
        read_zanj(path)
    assert "\n" not in str(caught.value)


def single(member: str) -> dict:
    return {"__muutils_format__": "numpy.ndarray:external", "$ref": f"{member}.npy", "shape": [], "dtype": "int64"}


SINGLES = (
    {
        "maze_connection_lists": single("maze_connection_lists") | {"dtype": "bool"},
        "maze_solution_lengths": single("maze_solutions"),
        "maze_solutions": single("maze_solutions"),
    },
    {"maze_solutions": single("maze_solutions")},
    {
        "__muutils_format__": "MazeDataset:minimal_soln_cat",
        "maze_solutions_concat": single("maze_solutions"),
        "maze_endpoints": single("maze_solutions"),
    },
)


@pytest.mark.parametrize("changes", SINGLES)
def test_single_numbers_in_place_of_arrays_are_refused(changes: dict, tmp_path: Path) -> None:
    members = {"maze_solutions": npy(np.array(3))}
    if "maze_connection_lists" in changes:
        members["maze_connection_lists"] = npy(np.array(True))
    path = altered("minimal", tmp_path / "bad.zanj", lambda document: document.update(changes), **members)
    with pytest.raises(MazeRLError, match=r"bad\.zanj: __zanj__\.json.* shape \(\)"):
        read_zanj(path)


def test_coordinates_that_overflowed_int8_are_refused(tmp_path: Path) -> None:
    solutions = np.full((7, 5, 2), -128, np.int8)
    with pytest.raises(MazeRLError, match=r"maze 0: its solution leaves the grid at \(-128, -128\)"):
        read_zanj(altered("minimal", tmp_path / "large.zanj", maze_solutions=npy(solutions)))


def test_what_is_no_such_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.zanj").write_text("mazes")
    (tmp_path / "empty.zanj").write_bytes(b"")
    np.savez(tmp_path / "other.npz", walls=np.ones(3))
    for name, message in (
        ("text.zanj", "is no intact zip file"),
        ("empty.zanj", "is no intact zip file"),
        ("other.npz", "has no member '__zanj__.json'"),
        ("gone.zanj", "cannot be read"),
        (".", "cannot be read"),
    ):
        with pytest.raises(MazeRLError, match=message):
            read_zanj(tmp_path / name)


def test_a_member_that_claims_an_absurd_size_is_not_unpacked(tmp_path: Path) -> None:
    content = bytearray((FILES / "full.zanj").read_bytes())
    entry = content.index(b"PK\x01\x02")
    content[entry + 24 : entry + 28] = (0xFFFFFFF0).to_bytes(4, "little")
    (tmp_path / "bomb.zanj").write_bytes(content)
    with pytest.raises(MazeRLError, match=r"__zanj__\.json: claims 4294967280 bytes packed into"):
        read_zanj(tmp_path / "bomb.zanj")


def peer_dataset(algorithm: str, num: int, size: int, **settings: float) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        peer = pytest.importorskip("maze_dataset", exc_type=ImportError)
        generators = pytest.importorskip("maze_dataset.generation", exc_type=ImportError).LatticeMazeGenerators
        configuration = peer.MazeDatasetConfig(
            name="test",
            grid_n=size,
            n_mazes=num,
            maze_ctor=getattr(generators, f"gen_{algorithm}"),
            maze_ctor_kwargs=settings,
            endpoint_kwargs={"except_on_no_valid_endpoint": False},
        )
        return peer.MazeDataset.from_config(configuration, do_download=False, load_local=False, save_local=False)


@pytest.mark.parametrize("num", [5, 60, 150])
@pytest.mark.parametrize(
    ("algorithm", "size", "settings"),
    [
        ("dfs", 3, {}),
        ("wilson", 5, {}),
        ("percolation", 6, {"p": 0.5}),
        ("dfs_percolation", 10, {"p": 0.1}),
        ("dfs", 13, {}),
    ],
)
def test_agrees_with_the_loader_of_maze_dataset(
    algorithm: str, size: int, settings: dict, num: int, tmp_path: Path
) -> None:
    dataset = peer_dataset(algorithm, num, size, **settings)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset.save(tmp_path / "mazes.zanj")
        loaded = type(dataset).read(tmp_path / "mazes.zanj")
    imported = read_zanj(tmp_path / "mazes.zanj")
    assert len(imported.mazes) == len(loaded) > 0
    for maze, path, expected in zip(imported.mazes, imported.paths, loaded, strict=True):
        assert np.array_equal(maze.connections, expected.connection_list)
        assert path.tolist() == expected.solution.tolist()
        assert (maze.origin, maze.target) == (tuple(path[0]), tuple(path[-1]))
    assert imported.shortest.all()
