"""How good a model is: rollouts, teacher-forced decisions, baselines, intervals. Does not import training."""
