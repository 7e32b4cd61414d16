"""HTML, Markdown and CSV from the records of a run."""
