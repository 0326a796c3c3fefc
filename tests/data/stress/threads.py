"""Fits in the main thread, in another, and in three beside the main one: the same bits, and the limits as they were."""

import sys
from concurrent.futures import ThreadPoolExecutor

from blas import digest, limits

before = limits()
digests = {digest()}
with ThreadPoolExecutor(1) as one:
    digests.add(one.submit(digest).result())
    assert limits() == before
with ThreadPoolExecutor(3) as several:
    waiting = [several.submit(digest) for _ in range(3)]
    digests.add(digest())
    digests.update(future.result() for future in waiting)
assert limits() == before, (before, limits())
assert len(digests) == 1, digests
sys.stdout.write(digests.pop())
