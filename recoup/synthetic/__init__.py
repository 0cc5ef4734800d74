"""A made-up district, told by a seed: what the demo, the fixtures and the tests run on. No row of it was ever a child's."""
