"""What a run leaves behind: activations beside the oracle's labels, streams at one position, runs gone on with."""
