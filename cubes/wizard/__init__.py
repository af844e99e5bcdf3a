"""The pages of *Create from Excel*: what was posted as a plan, and a plan as what the pages show."""
