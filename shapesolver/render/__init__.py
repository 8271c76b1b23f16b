"""Values to text, JSON, Markdown and HTML. Pure: nothing is solved here."""
