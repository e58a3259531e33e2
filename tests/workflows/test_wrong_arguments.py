"""Arguments of the wrong kind: one line that names the argument, what it was, and what was expected.

The calls run in a process of their own, since here the annotations of our functions are checked before the functions
themselves get to say anything.
"""

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow
WHOLE = "expected a whole number"
SIZES = "expected cells per side, as 7, '5..9', range(5, 10) or [5, 7], or rectangles, as '4x7' or [(4, 7)]."
CALLS = {
    "maze_rl.generate(5, num=2.5)": ["num is 2.5: ", WHOLE],
    "maze_rl.generate(5, num='4')": ["num is '4': ", WHOLE],
    "maze_rl.generate(5, num=True)": ["num is True: ", WHOLE],
    "maze_rl.generate(5, num=-1)": ["num is -1: ask for at least one maze"],
    "maze_rl.generate(5, seed=-1)": ["seed is -1: ", WHOLE],
    "maze_rl.generate(5, seed=1.0)": ["seed is 1.0: ", WHOLE],
    "maze_rl.generate(5, seed=True)": ["seed is True: ", WHOLE],
    "maze_rl.generate(5, first='a')": ["first is 'a': ", WHOLE],
    "maze_rl.generate(5, min_path_length=2.5)": ["min_path_length is 2.5: ", WHOLE],
    "maze_rl.generate(5, path_lengths=2.5)": ["path_lengths is 2.5: expected lengths"],
    "maze_rl.generate(5, origins=3)": ["origins is 3: expected cells (row, col)"],
    "maze_rl.generate(5, origins=[(0.5, 1)])": ["origins is [(0.5, 1)]: expected cells (row, col)"],
    "maze_rl.generate(5, max_depth='deep')": ["max_depth is 'deep': expected steps from the root, at least 1"],
    "maze_rl.generate(5, options=3)": ["options is 3: expected names and values"],
    "maze_rl.generate(5, algorithm=3)": ["algorithm is 3: expected a name"],
    "maze_rl.generate('five')": ["cannot read 'five' as a range: write 5..9"],
    "maze_rl.generate('9..5')": ["range '9..5' runs backwards: write 5..9"],
    "maze_rl.generate(5.0)": ["maze size 5.0 is no size: ", SIZES],
    "maze_rl.generate(True)": ["maze size True is no size: ", SIZES],
    "maze_rl.generate(None)": ["maze size None is no size: ", SIZES],
    "maze_rl.generate([5, 6.5])": ["maze size 6.5 is no size: ", SIZES],
    "maze_rl.generate([(4, 5, 6)])": ["maze size (4, 5, 6) is no size: ", SIZES],
    "maze_rl.solve(maze_rl.generate(4, num=1)[0], seed=-1)": ["seed is -1: ", WHOLE],
    "maze_rl.load_tokenization('cells', canvas=5.0)": ["canvas is 5.0: ", WHOLE],
    "maze_rl.load_tokenization('edges', format='cells')": [
        "unknown option of a tokenization 'format'",
        "Choices: canvas",
    ],
    "maze_rl.Maze([[[True, False], [True]], [[False]]], (0, 0), (0, 1))": ["connections: ", "of different lengths"],
    "maze_rl.load_tokenization('cells', canvas=True)": ["canvas is True: ", WHOLE],
    "maze_rl.load_tokenization('cells').encode(maze_rl.generate(4, num=1), seed=0.5)": ["seed is 0.5: ", WHOLE],
    "maze_rl.load_tokenization('cells').to_text(maze_rl.generate(4, num=2))": [
        "to_text writes one maze, and this is a "
    ],
    "maze_rl.load_tokenization('cells').from_text(None, 4)": ["text is a NoneType: expected words in a string"],
    "encode_pairs(words, ['is', 'it'])": ["a pair is 'is': expected two texts, (prompt, answer)."],
    "encode_pairs(words, [('one', 'two', 'three')])": ["a pair is ('one', 'two', 'three'): expected two texts"],
    "maze_rl.load_model(None)": ["the model is None: give the folder of a run, or the name of a shipped model."],
    "maze_rl.train(5, steps=2.5)": ["steps is 2.5: ", WHOLE],
    "maze_rl.train(5, steps=True)": ["steps is True: ", WHOLE],
    "maze_rl.train(5, num=-1)": ["num is -1: ", WHOLE],
    "maze_rl.train(5, num=10.0)": ["num is 10.0: ", WHOLE],
    "maze_rl.train(5, seed=-1)": ["seed is -1: ", WHOLE],
    "maze_rl.train(5, seed='0')": ["seed is '0': ", WHOLE],
    "maze_rl.train(5, layers=2.0)": ["n_layers is 2.0: ", WHOLE],
    "maze_rl.train(5, layers=2, n_layers=2)": ["layers and n_layers are the same"],
    "maze_rl.train(5, training_loops='many')": ["cannot read 'many' as a range"],
    "maze_rl.train(5, training_loops=2.5)": ["training_loops is 2.5: expected whole numbers"],
    "maze_rl.train(5, loss=3)": ["loss is 3: "],
    "maze_rl.train('4x7')": ["size 4x7 is no square"],
    "maze_rl.evaluate(model, 4, num=2.5)": ["num is 2.5: ", WHOLE],
    "maze_rl.evaluate(model, 4, num=0)": ["num is 0: ", WHOLE],
    "maze_rl.evaluate(model, 4, seed=-1)": ["seed is -1: ", WHOLE],
    "maze_rl.evaluate(model, 4.5, num=2)": ["maze size 4.5 is no size: ", SIZES],
    "maze_rl.evaluate(model, 'four', num=2)": ["cannot read 'four' as a range"],
    "maze_rl.evaluate(model, 4, num=2, loops=1.5)": ["loops"],
    "maze_rl.report(3)": ["runs is 3: expected a path, or several"],
    "maze_rl.report([])": ["runs is []: expected a path, or several"],
    "maze_rl.report('no/such', num=0.5)": ["num is 0.5: ", WHOLE],
    "maze_rl.search(model, num=40.0)": ["num is 40.0: ", WHOLE],
    "maze_rl.search(model, size=4.0)": ["maze size 4.0 is no size: "],
    "maze_rl.search(model, seed=-1)": ["seed is -1: ", WHOLE],
}
PROGRAM = """
import json, sys
import maze_rl
from maze_rl.training.spin.causal_language_model import encode_pairs
model, said = maze_rl.load_model("maze-5to9-causal"), {}
words = model.tokenizer
for call in json.loads(sys.argv[1]):
    try:
        eval(call)
        said[call] = "nothing was said"
    except maze_rl.errors.MazeRLError as error:
        said[call] = str(error)
    except Exception as error:
        said[call] = f"{type(error).__name__}, which is none of ours: {error}"
print(json.dumps(said))
"""


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What each call says."""
    folder = tmp_path_factory.mktemp("calls")
    command = [sys.executable, "-c", PROGRAM, json.dumps(list(CALLS))]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    assert list(folder.iterdir()) == [], "what is refused leaves nothing behind"
    return json.loads(done.stdout)


@pytest.mark.parametrize("call", CALLS)
def test_a_wrong_argument_gets_one_clear_line(call: str, said: dict[str, str]) -> None:
    assert all(part in said[call] for part in CALLS[call]), said[call]
    assert "\n" not in said[call]
