"""The papers' figures, and a healthy curve."""
