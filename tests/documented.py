"""The commands and snippets of the documentation: of every README and page, and of every docstring."""

import ast
import re
import shlex
import subprocess
from collections.abc import Iterator
from itertools import product
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
PLACEHOLDERS = {
    "RUN": "runs/x",
    "RUN...": "runs/x runs/y",
    "DIR": "out",
    "SOURCE": "data/mazes",
    "DEST": "out.npz",
    "NUM": "4",
    "WORKERS": "1",
    "A": "data/part1",
    "B": "data/part2",
    "C": "data/part3",
    "FILE": "file.txt",
    "experiments NAME": "dice",
    "studies NAME": "activation_patching",
    "search RUN": "maze-5to9-causal",
}
"""What stands for a word in capitals, or for one behind a command."""


def pages() -> dict[str, str]:
    """The text of every page (Markdown) and of the docstrings of every file of Python, tests left out, by path."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md", "*.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    texts = {}
    for name in listed.stdout.splitlines():
        if not name.startswith("tests/") and (ROOT / name).is_file():
            text = (ROOT / name).read_text(encoding="utf-8")
            texts[name] = text if name.endswith(".md") else _docstrings(text)
    return texts


def _docstrings(source: str) -> str:
    """All strings that stand alone, and the comments: studies explain themselves in those."""
    alone = (node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Expr))
    texts = [node.value for node in alone if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return "\n\n".join([*texts, *re.findall(r"^# ([^%].*)$", source, re.MULTILINE)])


def commands() -> list[tuple[str, str]]:
    """Every (command, page) of ``maze-rl`` once, of blocks and of running text, alternatives taken apart."""
    found = []
    for name, text in pages().items():
        blocks = "\n".join(block for kind, block in FENCE.findall(text) if kind in ("", "sh", "bash", "console"))
        written = re.sub(r"\\\n\s*", " ", blocks).splitlines()
        written += re.findall(r"`+(maze-rl\s[^`]+)`+", FENCE.sub("", text))
        for part in (part.strip() for line in written for part in line.split("&&")):
            if part.startswith("maze-rl "):
                plain = re.split(r"\s{2,}\(|\s+#\s", " ".join(part.split("\n")))[0]
                found += [(name, " ".join(each)) for each in _alternatives(shlex.split(plain))]
    return sorted({command: page for page, command in reversed(found)}.items())


def _alternatives(words: list[str]) -> Iterator[list[str]]:
    """Take ``a b | c [--d e]`` apart: a b; a c; a c --d e. Words with blanks are quoted again."""
    quoted = [shlex.quote(word) if " " in word else word for word in words]
    if "|" in quoted:
        first, rest = quoted[:2], " ".join(quoted[2:]).split(" | ")
        for each in rest:
            yield from _alternatives([*first, *each.split()])
        return
    text = " ".join(quoted)
    optional = re.findall(r"\[[^]]*\]", text)
    for taken in product((False, True), repeat=len(optional)):
        each = text
        for part, keep in zip(optional, taken, strict=True):
            each = each.replace(part, part[1:-1] if keep else "", 1)
        yield [_filled(word, each) for word in each.split()]


def _filled(word: str, command: str) -> str:
    if not re.fullmatch(r"[A-Z]+(\.\.\.)?", word):
        return word
    return PLACEHOLDERS.get(f"{command.split()[1]} {word}") or PLACEHOLDERS[word]


def snippets() -> dict[str, list[str]]:
    """The blocks of Python of every page that has some, in their order."""
    found = {name: [block for kind, block in FENCE.findall(text) if kind == "python"] for name, text in pages().items()}
    return {name: blocks for name, blocks in found.items() if blocks}


def calls() -> list[tuple[str, str]]:
    """Every (expression, page) of running text that calls something of the package or of those it works with."""
    pattern = re.compile(r"`+((?:maze_rl|model|datasets|AutoTokenizer)\.[\w.]+\([^`]*\))`+")
    found = {" ".join(call.split()): name for name, text in pages().items() for call in pattern.findall(text)}
    return sorted(found.items())


def scripts() -> list[tuple[str, str]]:
    """Every (file, page) of the files that a page says to run with ``python``."""
    pattern = re.compile(r"\bpython ([\w/]+\.py)\b")
    return sorted({(script, name) for name, text in pages().items() for script in pattern.findall(text)})
