"""Pages of ``docs/`` made from shipped records: ``python -m reports.pages.NAME`` writes one.

They write into a checkout of the repository; some need its dev dependencies.
"""

from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
