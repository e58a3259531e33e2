"""Results of the search battery -> scorecard, figures and one self-contained page; never runs a model."""
