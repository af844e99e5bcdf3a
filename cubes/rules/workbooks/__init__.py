"""A cube out of the sheets of workbooks: what they look like, what they might be, what a person makes of them."""
