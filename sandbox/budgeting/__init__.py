"""What Finance checks of budget register entries, and how it keeps them."""
