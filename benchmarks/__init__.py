"""Every published number has its program here; see README.md."""
