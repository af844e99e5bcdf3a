"""Pages of cubes."""
