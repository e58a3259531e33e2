"""Learning rates: schedules, and controllers that learn a factor on them; inside the trainer or on any optimizer."""
