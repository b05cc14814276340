"""The built pages in a browser: printed, measured, and served to tests."""
