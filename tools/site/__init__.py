"""What the built pages hold beyond what Jupyter Book writes."""
