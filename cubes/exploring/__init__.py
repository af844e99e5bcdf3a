"""What the Explore page shows: the view in its address, its filters, its tables."""
