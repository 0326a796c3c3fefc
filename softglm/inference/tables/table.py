"""Results that are tables."""

from abc import ABC, abstractmethod

from softglm.inference.tables import html, latex, markdown, text
from softglm.inference.tables.content import Content


class Table(ABC):
    """A result that is a table: it states its cells, and is read as text, LaTeX, Markdown or HTML made of these."""

    @abstractmethod
    def _content(self) -> Content:
        """Return the cells."""

    def _excerpt(self) -> Content:
        """Return the cells that are printed: those of long tables state fewer."""
        return self._content()

    def __str__(self) -> str:
        """Return a table in plain text."""
        return text.written(self._excerpt())

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return html.written(self._excerpt())

    def to_latex(self, *, caption: str | None = None, label: str | None = None, longtable: bool = False) -> str:
        r"""Return the table in LaTeX. It needs the package booktabs: ``\usepackage{booktabs}``.

        Parameters
        ----------
        caption : str, default=None
            Set above the table, as LaTeX: it may hold commands. By default what the table is called in print, if
            there is a label.
        label : str, default=None
            For references.
        longtable : bool, default=False
            Whether the table may be longer than a page: it does not float, breaks between rows, and has its head on
            each page. It needs the package longtable too.

        Returns
        -------
        str
            A tabular; with a caption or a label inside a table that floats. Or a longtable.
        """
        write = latex.long_written if longtable else latex.written
        return write(self._content(), caption=caption, label=label)

    def to_markdown(self) -> str:
        """Return the table in Markdown, with pipes, as GitHub and notebooks read it; names are escaped."""
        return markdown.written(self._content())

    def to_html(self) -> str:
        """Return the table in HTML; names are escaped."""
        return html.written(self._content())
