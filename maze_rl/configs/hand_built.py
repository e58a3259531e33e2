"""Names of the hand-built calibration models, as commands take them beside run folders and shipped models."""

HAND_BUILT = {
    "hand-built-wave": "wave",
    "hand-built-dead-end-filling": "dead_end_filling",
    "hand-built-greedy": "greedy",
    "hand-built-decoy": "decoy",
}
"""Name -> kind, as `maze_rl.calibration.hand_built.build_hand_built` takes it."""
