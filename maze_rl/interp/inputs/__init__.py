"""What analyses show a model: mazes with their decisions, pairs of prompts that differ in one edge, facts of cells."""
