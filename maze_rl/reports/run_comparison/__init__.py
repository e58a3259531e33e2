"""Several runs against each other: learning curves by tokens, differences from one of them, verdicts with intervals."""
