"""Results on disk: what is not finite is null there, and comes back as what it was."""

import json
import math

from maze_rl.configs.model import ModelConfig
from maze_rl.evaluation.saved_results import result_from_json
from maze_rl.mazes.generate import generate
from maze_rl.mazes.lattice import Maze
from maze_rl.models.build import build_model
from maze_rl.strict_json import json_text
from maze_rl.tokenization.tokenization import load_tokenization
from maze_rl.workflows.evaluate import evaluate


def test_a_result_on_one_layout_is_read_as_it_was_written() -> None:
    maze = generate(5, num=1, seed=0)[0]
    targets = [(row, col) for row in range(5) for col in range(5) if (row, col) != maze.origin]
    mazes = [Maze(maze.connections, maze.origin, target) for target in targets[:6]]
    model = build_model(ModelConfig(n_layers=1, d_model=8, n_heads=2), load_tokenization("edges", canvas=5)).eval()
    result = evaluate(model, mazes=mazes)
    assert math.isinf(result.teacher_forced[0].optimal_nll.high), "one layout bounds no interval"
    assert result_from_json(json.loads(json_text(result.to_json()))) == result
