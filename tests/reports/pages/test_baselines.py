"""reports/pages/baselines.py: docs/tasks.md has what the shipped file says."""

import shutil

from reports.pages import DOCS, baselines


def test_the_table_is_what_the_file_says(tmp_path, monkeypatch) -> None:
    page = tmp_path / "tasks.md"
    shutil.copy(DOCS / "tasks.md", page)
    head, _, _ = page.read_text("utf-8").partition(baselines.TITLE)
    page.write_text(f"{head}{baselines.TITLE}\n\nold\n", "utf-8")
    monkeypatch.setattr(baselines, "PAGE", page)
    baselines.main()
    written, shipped = (path.read_text("utf-8") for path in (page, DOCS / "tasks.md"))
    assert written == shipped, "run: python -m reports.pages.baselines"
