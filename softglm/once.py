"""Properties that are computed once, without a lock.

Before 3.12 the standard library's holds one for all instances of a class: fits in several threads wait for each other,
and in the child of a fork, which copies the lock but not the thread that will release it, they wait for ever.
"""

import functools
import sys
from typing import TYPE_CHECKING

__all__ = ["cached_property"]

if TYPE_CHECKING or sys.version_info >= (3, 12):
    from functools import cached_property
else:

    class cached_property(functools.cached_property):  # noqa: N801 - stands in for it
        """The standard library's, as it is from 3.12 on: two threads may compute the same value."""

        def __get__(self, instance: object, owner: type | None = None) -> object:
            if instance is None:
                return self
            value = self.func(instance)
            vars(instance)[self.attrname] = value  # from now on found there, and not asked for here
            return value
