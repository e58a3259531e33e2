"""Reads the HTML that notebooks are shown: every tag must be closed, and text is what a reader sees."""

from html.parser import HTMLParser

_NEVER_CLOSED = {"br", "img", "circle", "rect", "line", "path", "polyline"}


class Page(HTMLParser):
    """One output; `faults` names tags that are not closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.faults: list[str] = []
        self.tags: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        self.faults += [f"<{tag}> is not closed" for tag in self._open]

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)
        if tag not in _NEVER_CLOSED:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            self.faults.append(f"</{tag}> closes another tag")

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def read_page(html: str) -> Page:
    """Read one output, which must be well-formed."""
    page = Page(html)
    assert not page.faults, page.faults
    return page
