"""An exported model is a stock one: its loader, run where there is no maze_rl, gives the logits of ours."""

import subprocess
import sys
from collections.abc import Callable
from copy import deepcopy
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformer_lens import HookedTransformer
from transformer_lens.cache.key_value_cache import TransformerLensKeyValueCache
from transformer_lens.patching import get_act_patch_resid_pre

from maze_rl.configs.model import ModelConfig
from maze_rl.mazes.generate import generate
from maze_rl.models.build import MazeTransformer, build_model
from maze_rl.models.model_files import load_model, save_model
from maze_rl.tokenization.layouts import PADDING, PATH_END
from maze_rl.tokenization.tokenization import load_tokenization
from maze_rl.workflows.export import export

SIZES = {"d_model": 32, "n_heads": 2}
LIKE_THE_DEFAULT = {
    "n_layers": 2,
    "loops": 4,
    "embedding": "waves",
    "unembedding": "path",
    "prompt": "visible",
    "outer_norm": True,
}
KINDS = {
    "like the default": LIKE_THE_DEFAULT,
    "learned positions": LIKE_THE_DEFAULT | {"positions": "learned"},
    "rotary positions": LIKE_THE_DEFAULT | {"positions": "rotary"},
    "loops without norm, causal": {"n_layers": 1, "loops": 3},
    "a visible prompt without loops": {"n_layers": 2, "prompt": "visible"},
    "plain": {"n_layers": 2, "positions": "learned"},
}
WITHOUT_MAZE_RL = """
import sys

class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "maze_rl":
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Hidden())
sys.path.insert(0, sys.argv[3])
from safetensors.torch import load_file, save_file
from loader import load

logits = {}
for folder in sys.argv[3:]:
    model = load(folder)
    assert type(model).__module__.startswith("transformer_lens")
    logits |= {f"{folder} {name}": model(tokens) for name, tokens in load_file(sys.argv[1]).items()}
assert "maze_rl" not in sys.modules
save_file(logits, sys.argv[2])
"""


def a_model(**settings: object) -> MazeTransformer:
    tokenization = load_tokenization("cells", canvas=6, origin="path", random_offsets=True)
    model = build_model(ModelConfig(**SIZES, **settings), tokenization, seed=1)  # type: ignore[arg-type]
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name == "outer_norm.w" or name.endswith(".attn.b_O"):
                parameter += torch.randn(parameter.shape, generator=torch.Generator().manual_seed(2)) / 4
    return model.eval()


def some_tokens(model: MazeTransformer, *, prompt_only: bool = False) -> Tensor:
    """Return mazes of several sizes: rows of different lengths, padded on the right."""
    return model.tokenization.encode(generate([4, 5, 6], num=6), prompt_only=prompt_only).tokens


@pytest.fixture
def loaded(tmp_path: Path) -> Callable[..., tuple[MazeTransformer, HookedTransformer]]:
    """Return a function that builds a model and loads its export by the loader that lies beside it."""

    def load(**settings: object) -> tuple[MazeTransformer, HookedTransformer]:
        save_model(a_model(**settings), tmp_path / "run", {})
        out = export(tmp_path / "run", tmp_path / "exported")
        spec = spec_from_file_location("loader_of_an_export", out / "loader.py")
        assert spec is not None
        assert spec.loader is not None
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
        return load_model(tmp_path / "run"), module.load()

    return load


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Tensor]]:
    """Return the folder of one export of each kind, and the logits that a process without maze_rl got from them."""
    folder = tmp_path_factory.mktemp("exports")
    for kind, settings in KINDS.items():
        save_model(a_model(**settings), folder / "runs" / kind, {})
        export(folder / "runs" / kind, folder / kind)
    batch = some_tokens(a_model(**KINDS["plain"]))
    assert (batch == PADDING).any()
    save_file({"batch": batch, "one": batch[:1, :9].clone()}, folder / "tokens")
    (folder / "empty").mkdir()
    files = [str(folder / name) for name in ("tokens", "logits", *KINDS)]
    command = [sys.executable, "-c", WITHOUT_MAZE_RL, *files]
    done = subprocess.run(command, cwd=folder / "empty", capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder, load_file(folder / "logits")


@torch.no_grad()
@pytest.mark.parametrize("kind", KINDS)
def test_where_there_is_no_maze_rl_the_logits_are_ours(kind: str, elsewhere: tuple[Path, dict[str, Tensor]]) -> None:
    folder, logits = elsewhere
    for name, tokens in load_file(folder / "tokens").items():
        ours = load_model(folder / "runs" / kind)(tokens)
        assert (logits[f"{folder / kind} {name}"] - ours).abs().max() < 1e-5


@pytest.mark.parametrize("kind", KINDS)
def test_our_own_loading_takes_the_export_too(kind: str, tmp_path: Path) -> None:
    model = a_model(**KINDS[kind])
    save_model(model, tmp_path / "run", {})
    again = load_model(export(tmp_path / "run", tmp_path / "exported"))
    tokens = some_tokens(model)
    assert torch.equal(again(tokens), load_model(tmp_path / "run")(tokens))
    assert again.loops == model.loops


@torch.no_grad()
def test_every_activation_is_ours_hooked_or_cached(loaded: Callable) -> None:
    ours, stock = loaded(**LIKE_THE_DEFAULT)
    tokens = some_tokens(ours)
    real = tokens != PADDING
    _, mine = ours.run_with_cache(tokens)
    _, theirs = stock.run_with_cache(tokens)
    names = [name for name in theirs if name in mine]
    assert len(names) > 100
    assert "blocks.2.hook_resid_pre" in names
    for name in names:
        if theirs[name].shape[:2] == tokens.shape:
            assert (theirs[name][real] - mine[name][real]).abs().max() < 1e-4, name
    for name in ("blocks.4.hook_resid_pre", "blocks.3.attn.hook_pattern", "blocks.5.attn.hook_attn_scores"):
        halved = [(name, lambda value, hook: value / 2)]
        changed = [each.run_with_hooks(tokens, fwd_hooks=halved) for each in (ours, stock)]
        assert (changed[0] - changed[1]).abs().max() < 1e-4, name
        assert (changed[1] - stock(tokens)).abs().max() > 1e-4, name
    stock.reset_hooks()
    assert (stock(tokens) - ours(tokens)).abs().max() < 1e-5


@torch.no_grad()
def test_patching_finds_the_same(loaded: Callable) -> None:
    found = []
    for model in loaded(**LIKE_THE_DEFAULT):
        tokens = model.tokenization.encode(generate(4, num=2)).tokens[:, :12] if not found else tokens
        _, cache = model.run_with_cache(tokens[1:])
        found.append(get_act_patch_resid_pre(model, tokens[:1], cache, lambda logits: logits[0, -1].square().sum()))
    assert (found[0] - found[1]).abs().max() < 1e-3 * found[0].abs().max()


@torch.no_grad()
@pytest.mark.parametrize("kind", KINDS)
def test_generation_writes_what_our_decoding_writes(kind: str, loaded: Callable) -> None:
    """From ids, from text, and from texts of different lengths in one batch."""
    from maze_rl.models.decoding import decode_paths

    ours, stock = loaded(**KINDS[kind])
    assert stock.cfg.default_prepend_bos is False
    encoded = ours.tokenization.encode(generate((4, 5), num=60), prompt_only=True)
    texts = ours.tokenization.decode(encoded.tokens)
    assert stock.to_str_tokens(texts[0])[0] == stock.to_str_tokens(texts[0], prepend_bos=True)[0] == "<ADJLIST_START>"
    written = decode_paths(ours, encoded.tokens, encoded.spans.lengths, torch.full((60,), 6))
    settings = {
        "max_new_tokens": 6,
        "do_sample": False,
        "verbose": False,
        "return_type": "tokens",
        "use_past_kv_cache": KINDS[kind].get("prompt") != "visible",
    }
    together = stock.generate(texts, **settings)[:, stock.to_tokens(texts, padding_side="left").shape[1] :]
    assert [_ended(row) for row in together] == [_ended(row) for row in written]
    for row, length in enumerate(encoded.spans.lengths[:15]):
        for prompt in (encoded.tokens[row : row + 1, :length], texts[row]):
            assert _ended(stock.generate(prompt, **settings)[0, length:]) == _ended(written[row])


def _ended(row: Tensor) -> list[int]:
    ids = row.tolist()
    return ids[: ids.index(PATH_END) + 1] if PATH_END in ids else ids


@torch.no_grad()
def test_an_attention_mask_and_padding_on_the_left_are_kept_to(loaded: Callable) -> None:
    ours, stock = loaded(**LIKE_THE_DEFAULT | {"positions": "learned"})
    tokens = some_tokens(ours)[:1, :12]
    padded = torch.cat([torch.full((1, 3), PADDING), tokens], dim=1)
    assert (stock(padded, attention_mask=(padded != PADDING).long())[:, 3:] - stock(tokens)).abs().max() < 1e-5
    hiding = torch.ones_like(tokens)
    hiding[:, 4] = 0
    seen = [model(tokens, attention_mask=hiding)[:, 5:] for model in (ours, stock)]
    assert (seen[0] - seen[1]).abs().max() < 1e-5
    assert (seen[1] - stock(tokens)[:, 5:]).abs().max() > 1e-5


def test_a_cache_or_a_start_inside_is_refused(loaded: Callable) -> None:
    ours, stock = loaded(**LIKE_THE_DEFAULT)
    prompt = some_tokens(ours)[:1, :9]
    with pytest.raises(ValueError, match="use_past_kv_cache=False"):
        stock.generate(prompt, max_new_tokens=2, stop_at_eos=False, verbose=False)
    middle = stock(prompt, stop_at_layer=3)
    assert (stock(middle, start_at_layer=3) - stock(prompt)).abs().max() < 1e-6  # the pass that stopped goes on
    for layer in (0, 3):
        with pytest.raises(ValueError, match="start_at_layer"):
            stock(middle, start_at_layer=layer)


@torch.no_grad()
def test_loops_under_a_causal_mask_run_with_a_cache(loaded: Callable) -> None:
    ours, stock = loaded(n_layers=1, loops=3, positions="rotary")
    tokens = some_tokens(ours)[:1, :9]
    cache = TransformerLensKeyValueCache.init_cache(stock.cfg, "cpu", 1)
    parts = []
    for part in (tokens[:, :6], tokens[:, 6:]):
        parts.append(stock(part, past_kv_cache=cache, attention_mask=torch.ones_like(part)))
    assert (torch.cat(parts, dim=1) - ours(tokens)).abs().max() < 1e-5


def test_the_export_has_as_many_loops_as_asked_for(tmp_path: Path) -> None:
    model = a_model(**LIKE_THE_DEFAULT)
    save_model(model, tmp_path / "run", {})
    again = load_model(export(tmp_path / "run", tmp_path / "exported", loops=7))
    assert again.loops == 7
    blocks = {name.split(".")[1] for name in load_file(tmp_path / "exported" / "model.safetensors") if "blocks" in name}
    assert len(blocks) == 14
    tokens = some_tokens(model)
    with torch.no_grad():
        assert (again(tokens) - model.with_loops(7)(tokens)).abs().max() < 1e-5
        assert (again(tokens) - model(tokens)).abs().max() > 1e-3


@torch.no_grad()
def test_a_copy_computes_the_same(loaded: Callable) -> None:
    ours, stock = loaded(**LIKE_THE_DEFAULT)
    copy, tokens = deepcopy(stock), some_tokens(ours)
    stock(tokens[:1, :7])
    assert (copy(tokens) - ours(tokens)).abs().max() < 1e-5


def test_the_loader_is_short() -> None:
    text = (Path(__file__).parents[2] / "maze_rl" / "workflows" / "export_loader.py").read_text()
    assert len(text.splitlines()) < 80
    assert "maze_rl" not in text
