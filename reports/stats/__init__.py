"""Statistics of a handful of seeds, as pure functions of numbers.

``intervals``: estimates that always come with an interval and an n. ``tests``: paired tests, with
divergence as the worst rank, and Holm's adjustment. ``best_of_k``: what tuning costs and how
much of it is luck. ``seeds``: which of them went bad. ``to_target``: medians in which a miss is ∞.
"""
