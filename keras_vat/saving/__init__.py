"""What a file holds: a model's settings and numbers, the states of its seeds, all or nothing."""
