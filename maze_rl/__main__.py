"""``python -m maze_rl`` is ``maze-rl``."""

from maze_rl.cli.main import main

if __name__ == "__main__":
    main()
