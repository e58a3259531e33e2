"""The Python call and the command line configure the same run."""

import argparse
import json
import re
from pathlib import Path
from typing import Any

import pytest

import maze_rl
from maze_rl.cli.arguments import build_parser
from maze_rl.cli.training import run_config
from maze_rl.configs.mazes import GenerationConfig, MazeSpec
from maze_rl.configs.training import RunConfig
from maze_rl.errors import MazeRLError
from maze_rl.mazes.storage.dataset_writer import write_dataset
from maze_rl.workflows.run import configured, train

NOTHING: dict[str, Any] = {
    "sizes": range(5, 10),
    "algorithm": "dfs",
    "data": None,
    "plan": None,
    "start_from": None,
    "steps": None,
    "seed": 0,
    "device": "cpu",
    "loss": "path_only",
    "rounds": 0,
    "lora": None,
}


def from_flags(*flags: str) -> RunConfig:
    return run_config(build_parser(argparse.ArgumentParser).parse_args(["train", *flags]), "cpu")


@pytest.mark.parametrize(
    "flags, arguments",
    [
        ("", {}),
        (
            "--sizes 4..5 --loss graded:0.2 --steps 30 --seed 3",
            {"sizes": (4, 5), "loss": "graded:0.2", "steps": 30, "seed": 3},
        ),
        (
            "--rounds 2 --lora 4 --batch-size 16 --accumulation 2 --steps 40",
            {"rounds": 2, "lora": 4, "batch_size": 16, "accumulation": 2, "steps": 40},
        ),
        (
            "--optimizer adamw --learning-rate 0.001 --schedule wsd:decay=0.3",
            {"optimizer": "adamw", "learning_rate": 0.001, "schedule": "wsd:decay=0.3"},
        ),
        (
            "--update-rule dice:classic,dc=10 --lr-controller ucb",
            {"update_rule": "dice:classic,dc=10", "lr_controller": "ucb"},
        ),
        (
            "--tokenizer row_column --canvas 10 --positions learned --layers 2 --d-model 32 --heads 4",
            {"format": "row_column", "canvas": 10, "positions": "learned", "n_layers": 2, "d_model": 32, "n_heads": 4},
        ),
        (
            "--parametrization unified_weights:v6 --parametrization value_affine --value-norm",
            {"parametrizations": ("unified_weights:v6", "value_affine"), "value_norm": True},
        ),
        (
            "--loops 3 --prompt causal --embedding factored --origin prompt --training-loops 2..3",
            {"loops": 3, "prompt": "causal", "embedding": "factored", "origin": "prompt", "training_loops": (2, 3)},
        ),
        ("--loss all", {"loss": "all"}),
        ("--path turns --origin prompt", {"path": "turns", "origin": "prompt"}),
        ("--reverse-positions --memory 8", {"reverse_positions": True, "memory": 8}),
        (
            "--reverse-positions --reverse-form multiply --memory 8 --memory-kind selector",
            {"reverse_positions": True, "reverse_form": "multiply", "memory": 8, "memory_kind": "selector"},
        ),
    ],
)
def test_flags_and_arguments_agree(flags: str, arguments: dict[str, Any]) -> None:
    assert from_flags(*flags.split()) == configured(**NOTHING | arguments)
    assert not flags or from_flags(*flags.split()) != from_flags()


def test_plans_agree_too(tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    plan.write_text(json.dumps({"phases": [{"steps": 30, "sizes": "3..4"}, {"steps": 10, "loss": "all"}]}))
    run = from_flags("--plan", str(plan), "--sizes", "5", "--canvas", "5")
    assert run == configured(**NOTHING | {"plan": plan, "sizes": 5, "canvas": 5})
    assert (run.sizes, run.training.steps, run.training.warmup_steps) == ((3, 4, 5), 40, 4)


@pytest.mark.parametrize(
    "arguments, said",
    [
        ({"num_layers": 2}, "unknown setting 'num_layers'. Did you mean 'n_layers'"),
        ({"plan": "no.json"}, "no.json: the plan cannot be read"),
        ({"plan": "no.json", "rounds": 1}, "rounds contradicts the plan"),
        ({"start_from": "maze-5to9-causal", "d_model": 8}, "d_model contradicts start_from"),
        ({"start_from": "maze-5to9-causal", "format": "row_column"}, "format contradicts start_from"),
        ({"config": from_flags(), "optimizer": "sgd"}, "optimizer contradicts config"),
        ({"config": from_flags(), "loss": "all"}, "loss contradicts config"),
        ({"config": from_flags(), "steps": 3}, "steps contradicts config"),
        ({"config": from_flags(), "sizes": 5, "seed": 1}, "sizes contradicts config"),
        ({"round_steps": 3}, "round_steps is 3, and no rounds are played"),
        ({"num": -1}, "num is -1"),
        ({"parametrizations": ("value_affine",)}, "set value_norm (--value-norm) too"),
    ],
)
def test_contradictions_are_refused(arguments: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(MazeRLError, match=re.escape(said)):
        train(**arguments, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_plan_of_an_editor_that_marks_its_texts_is_read(tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    plan.write_text(json.dumps({"phases": [{"steps": 30, "sizes": "4"}]}), encoding="utf-8-sig")
    assert configured(**NOTHING | {"plan": plan}).training.steps == 30


def test_a_dataset_has_mazes_of_its_own(tmp_path: Path) -> None:
    data, made = tmp_path / "mazes", MazeSpec(sizes=(4, 5), algorithm="dfs_percolation", options={"percolation": 0.2})
    write_dataset(GenerationConfig(spec=made, num=60), data)
    asked = NOTHING | {"sizes": None, "algorithm": None, "data": data, "canvas": 6}
    plain = configured(**asked)
    same = [{"sizes": (5, 4)}, {"algorithm": "dfs_percolation", "options": {"percolation": 0.2}, "sizes": "4..5"}]
    assert [configured(**asked | wish) for wish in same] == [plain, plain]
    for wish, said in (
        ({"sizes": 6}, "sizes (6,) contradicts"),
        ({"algorithm": "prim"}, "algorithm prim contradicts"),
        ({"algorithm": "dfs_percolation", "options": {"percolation": 0.5}}, "options {'percolation': 0.5"),
    ):
        with pytest.raises(MazeRLError, match=re.escape(said)):
            configured(**asked | wish)
    with pytest.raises(MazeRLError, match=r"--option .* contradicts .*mazes, which has .*0.2.*: leave it out"):
        flags = ["--algorithm", "dfs_percolation", "--option", "percolation=0.5"]
        from_flags("--data", str(data), "--canvas", "6", *flags)
    assert from_flags("--data", str(data), "--canvas", "6", "--sizes", "5,4") == plain


def test_settings_by_name_reach_the_trained_model(tmp_path: Path) -> None:
    run = maze_rl.train(
        4,
        steps=2,
        out=tmp_path / "run",
        num=0,
        device="cpu",
        batch_size=4,
        optimizer="adamw",
        n_layers=1,
        d_model=16,
        n_heads=2,
        canvas=4,
    )
    model = maze_rl.load_model(run.folder)
    assert (model.maze_config.n_layers, model.cfg.d_model, model.tokenization.config.canvas) == (1, 16, 4)
