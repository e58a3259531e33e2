"""The memorizer is perfect on its own mazes and knows nothing of others."""

from maze_rl import generate, load_tokenization
from maze_rl.calibration.memorizer import memorised_sequences, train_memorizer
from maze_rl.interp.inputs.decisions import decision_logits, find_decisions, right_choices


def test_right_on_its_mazes_alone() -> None:
    tokenization = load_tokenization("edges", canvas=4)
    model = train_memorizer(tokenization, num_mazes=12, seed=1)
    tokens, spans = memorised_sequences(tokenization, 12, seed=1)
    asked = spans.after_path_start[:, 1:]
    assert (model(tokens[:, :-1]).argmax(dim=-1)[asked] == tokens[:, 1:][asked]).all()
    decisions = find_decisions(tokenization, generate(4, "dfs", 150, seed=0, split="test").batches[0])
    forks = decisions.is_fork
    right = right_choices(decisions, decision_logits(model, decisions))[forks]
    assert len(right) > 150
    assert right.mean() < decisions.chance[forks].mean() + 0.05
