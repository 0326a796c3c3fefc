"""Tables as they are read: their cells (`content`), how each language writes them, and the results that are tables."""

from softglm.inference.tables.content import Content
from softglm.inference.tables.table import Table

__all__ = ["Content", "Table"]
