"""One module per command, callable from Python; the command line only parses, calls and prints."""
