"""The flags of `maze-rl generate` about where mazes begin and end."""

import argparse

from maze_rl.configs.endpoints import PATHS, PLACES


def add_endpoints(parser: argparse.ArgumentParser) -> None:
    """Add the flags of origins, targets and the paths between them."""
    parser.add_argument(
        "--min-path-length", type=int, default=1, metavar="N", help="fewest steps from origin to target"
    )
    parser.add_argument(
        "--max-path-length", type=int, default=None, metavar="N", help="most steps from origin to target"
    )
    parser.add_argument(
        "--path-lengths", default=None, metavar="L", help="draw the length first: 12, 5..20, or weights as 5:2,10:1"
    )
    for end in ("origin", "target"):
        parser.add_argument(f"--{end}", default="anywhere", metavar="PLACE", help=f"one of {', '.join(PLACES)}")
        parser.add_argument(f"--{end}s", default=None, metavar="CELLS", help="cells allowed, as row,col;row,col")
    parser.add_argument("--paths", default="any", metavar="KIND", help=f"shortest paths: {', '.join(PATHS)}")
