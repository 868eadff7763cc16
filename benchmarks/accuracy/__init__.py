"""Test errors: the papers' tables, and what decides them."""
