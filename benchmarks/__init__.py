"""The benchmark: time to a stated suboptimality of one common objective, ours and every peer's, in one run.

Run it from a checkout as ``python -m benchmarks``; ``--help`` lists the commands.
"""
