"""``optbench-check``: what any optimizer must do before its trials mean something.

``checks.CHECKS`` is the list. Each check is a plain function from an ``OptimizerSpec`` to a line of
text; it raises ``Failed`` where the optimizer is at fault and ``NotApplicable`` where the question
does not arise. ``runner.Runner`` is how all of them build and step an optimizer: as a trial does.
"""
