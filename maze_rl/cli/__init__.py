"""The command line: parse, call a workflow, print. Imports nothing heavy until a command runs."""
